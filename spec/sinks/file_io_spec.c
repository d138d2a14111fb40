/* file_io_spec.c - files as blocking calls: what is learnt on opening, what a write gives back, and
** that nothing is left behind.
** SPDX-License-Identifier: MIT
*/
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "sinks/file_io.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "support/check.h"
#include "support/failing_alloc.h"

/* --- a folder ---------------------------------------------------------------------------------- */

static char folder[64];
static char path[PATH_MAX]; /* what path_to() made last */

static const char *path_to(const char *name) {
  snprintf(path, sizeof path, "%s/%s", folder, name);
  return path;
}

/* Calls `visit` with each name in the folder; returns how many there are. */
static int each_name(void (*visit)(const char *name)) {
  int count = 0;
  DIR *dir = opendir(folder);
  if (!CHECK(dir)) return -1;
  for (struct dirent *entry; (entry = readdir(dir));) {
    if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
    if (visit) visit(entry->d_name);
    count++;
  }
  closedir(dir);
  return count;
}

static void remove_name(const char *name) {
  const char *full = path_to(name);
  if (unlink(full) != 0) rmdir(full);
}

static void begin(void) {
  if (!folder[0]) {
    strcpy(folder, "/tmp/weir_file_io_XXXXXX");
    if (!mkdtemp(folder)) abort();
  }
  each_name(remove_name);
}

static void put(const char *name, const char *text) {
  FILE *out = fopen(path_to(name), "wb");
  if (!CHECK(out)) return;
  fputs(text, out);
  fclose(out);
}

static void check_content(const char *name, const char *expected) {
  char text[256] = "";
  FILE *in = fopen(path_to(name), "rb");
  if (!CHECK(in)) return;
  text[fread(text, 1, sizeof text - 1, in)] = '\0';
  fclose(in);
  CHECK_STRING(text, expected);
}

static mode_t mode_of(const char *name) {
  struct stat info;
  return stat(path_to(name), &info) == 0 ? info.st_mode & 07777 : 0;
}

/* --- a file ------------------------------------------------------------------------------------ */

static weir_file file;

static void prepare(const char *name, const char *flags) {
  weir_file_init(&file);
  file.path = strdup(path_to(name));
  file.flags = weir_file_flags(flags);
}

static int open_file(const char *name, const char *flags) {
  prepare(name, flags);
  return weir_file_open(&file);
}

static ssize_t write_text(const char *text, uint64_t offset) {
  struct iovec vector = {(void *)(uintptr_t)text, strlen(text)};
  return weir_file_write(&file, &vector, 1, offset);
}

/* Closes and frees; the descriptor must be gone then. */
static void end(void) {
  int fd = file.fd;
  CHECK_EQUAL(weir_file_close(&file), 0);
  CHECK_EQUAL(file.fd, -1);
  if (fd >= 0) {
    CHECK_EQUAL(fcntl(fd, F_GETFD), -1);
    CHECK_EQUAL(errno, EBADF);
  }
  weir_file_deinit(&file);
}

SPEC("ten flag strings are known, and no other") {
  const char *good[] = {"w", "wx", "w+", "wx+", "a", "ax", "a+", "ax+", "r+", "r"};
  const char *bad[] = {"", "R", "W", "rw", "xw", "w+x", "w ", "ww", "r+x", "rs+"};
  for (size_t i = 0; i < sizeof good / sizeof *good; i++) CHECK(weir_file_flags(good[i]) >= 0);
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) CHECK_EQUAL(weir_file_flags(bad[i]), -1);
}

SPEC("a file that was never opened can be closed and freed") {
  weir_file_init(&file);
  CHECK_EQUAL(file.fd, -1);
  end();
  end();
}

SPEC("opening learns that a file is regular, new, and written at positions") {
  begin();
  CHECK_EQUAL(open_file("new", "w"), 0);
  CHECK(file.fd > 2);
  CHECK(file.regular && file.positioned && file.created);
  CHECK(fcntl(file.fd, F_GETFD) & FD_CLOEXEC);
  end();
  CHECK_EQUAL(open_file("new", "w"), 0);
  CHECK(file.regular && file.positioned && !file.created);
  end();
}

SPEC("a file that appends is written without positions") {
  begin();
  put("old", "abc");
  CHECK_EQUAL(open_file("old", "a"), 0);
  CHECK(file.regular && !file.positioned && !file.created);
  CHECK_EQUAL(write_text("def", 0), 3);
  end();
  check_content("old", "abcdef");
}

SPEC("an exclusive file is always a new one") {
  begin();
  CHECK_EQUAL(open_file("new", "wx"), 0);
  CHECK(file.created);
  end();
  CHECK_EQUAL(open_file("new", "ax"), EEXIST);
  CHECK_STRING(file.failed_call, "open");
  end();
}

SPEC("a device is not regular") {
  weir_file_init(&file);
  file.path = strdup("/dev/null");
  CHECK_EQUAL(weir_file_open(&file), 0);
  CHECK(!file.regular && !file.positioned && !file.created);
  CHECK_EQUAL(write_text("abc", 0), 3);
  end();
}

SPEC("what cannot be opened says why, and in which call") {
  begin();
  CHECK_EQUAL(open_file("no/file", "w"), ENOENT);
  CHECK_STRING(file.failed_call, "open");
  end();
  CHECK_EQUAL(open_file("none", "r+"), ENOENT);
  end();
  CHECK_EQUAL(open_file(".", "w"), EISDIR);
  CHECK_STRING(file.failed_call, "open");
  end();
  CHECK_EQUAL(each_name(NULL), 0);
}

SPEC("a FIFO without a reader does not hold the thread: ENXIO") {
  begin();
  if (mkfifo(path_to("fifo"), 0600) != 0) SKIP("no FIFO can be made here");
  CHECK_EQUAL(open_file("fifo", "w"), ENXIO);
  end();
}

/* --- write ------------------------------------------------------------------------------------- */

SPEC("a write goes to its offset from the start, and answers how much it took") {
  begin();
  put("old", "0123456789");
  prepare("old", "r+");
  file.has_start = true;
  file.start = 3;
  CHECK_EQUAL(weir_file_open(&file), 0);
  CHECK_EQUAL(write_text("AB", 0), 2);
  CHECK_EQUAL(write_text("Z", 6), 1);
  CHECK_EQUAL(lseek(file.fd, 0, SEEK_CUR), 0); /* the position is where it was */
  end();
  check_content("old", "012AB5678Z");
}

SPEC("several vectors are one write") {
  begin();
  CHECK_EQUAL(open_file("new", "w"), 0);
  struct iovec vectors[] = {{"abc", 3}, {"d", 1}, {"efgh", 4}};
  CHECK_EQUAL(weir_file_write(&file, vectors, 3, 0), 8);
  CHECK_EQUAL(weir_file_write(&file, vectors, 3, 8), 8);
  end();
  check_content("new", "abcdefghabcdefgh");
}

SPEC("a write that fails gives back the errno as a negative number") {
  begin();
  put("old", "abc");
  prepare("old", "r+");
  file.flags = O_RDONLY;
  CHECK_EQUAL(weir_file_open(&file), 0);
  CHECK_EQUAL(write_text("def", 0), -EBADF);
  CHECK_STRING(file.failed_call, "write");
  end();
  check_content("old", "abc");
}

static double seconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

SPEC("a pipe that is full is waited for a while, not for ever: 0") {
  int ends[2];
  if (!CHECK_EQUAL(pipe(ends), 0)) return;
  fcntl(ends[1], F_SETFL, O_NONBLOCK);
  char some[4096] = {0};
  while (write(ends[1], some, sizeof some) > 0) continue;
  fcntl(ends[1], F_SETFL, 0); /* as most are: a write would block */
  weir_file_init(&file);
  file.given = true;
  file.fd = ends[1];
  CHECK_EQUAL(weir_file_adopt(&file), 0);
  CHECK(!file.regular);
  double began = seconds();
  CHECK_EQUAL(write_text("abc", 0), 0);
  CHECK(seconds() - began > 0.01 && seconds() - began < 1);
  CHECK_EQUAL(read(ends[0], some, sizeof some), sizeof some);
  CHECK_EQUAL(write_text("abc", 0), 3);
  end();
  close(ends[0]);
}

SPEC("a pipe takes a bite at a time, so that the write cannot block") {
  int ends[2];
  if (!CHECK_EQUAL(pipe(ends), 0)) return;
  weir_file_init(&file);
  file.given = true;
  file.fd = ends[1];
  CHECK_EQUAL(weir_file_adopt(&file), 0);
  static char big[1 << 20];
  struct iovec vector = {big, sizeof big};
  ssize_t total = 0;
  for (ssize_t written; (written = weir_file_write(&file, &vector, 1, 0)) > 0;) total += written;
  CHECK(total >= 4096 && total < (ssize_t)sizeof big);
  end();
  close(ends[0]);
}

SPEC("a FIFO of our own opening takes all that fits, then says 0 at once: the loop waits") {
  begin();
  if (!CHECK_EQUAL(mkfifo(path_to("fifo"), 0600), 0)) return;
  int reader = open(path_to("fifo"), O_RDONLY | O_NONBLOCK);
  weir_file_init(&file);
  file.path = strdup(path_to("fifo"));
  CHECK_EQUAL(weir_file_open(&file), 0);
  CHECK(!file.regular && file.nonblocking);
  static char big[1 << 20];
  struct iovec vector = {big, sizeof big};
  ssize_t first = weir_file_write(&file, &vector, 1, 0);
  CHECK(first > 4096 && first < (ssize_t)sizeof big);
  CHECK(!file.full);
  CHECK_EQUAL(weir_file_write(&file, &vector, 1, 0), 0);
  CHECK(file.full);
  CHECK(read(reader, big, sizeof big) > 0);
  CHECK_EQUAL(write_text("abc", 0), 3);
  CHECK(!file.full);
  end();
  close(reader);
}

SPEC("a pipe that nobody reads any more fails with EPIPE") {
  int ends[2];
  if (!CHECK_EQUAL(pipe(ends), 0)) return;
  close(ends[0]);
  void (*before)(int) = signal(SIGPIPE, SIG_IGN);
  weir_file_init(&file);
  file.given = true;
  file.fd = ends[1];
  CHECK_EQUAL(weir_file_adopt(&file), 0);
  CHECK_EQUAL(write_text("abc", 0), -EPIPE);
  end();
  signal(SIGPIPE, before);
}

/* --- a given descriptor ------------------------------------------------------------------------ */

static void adopt(int fd) {
  weir_file_init(&file);
  file.given = file.shared = true;
  file.fd = fd;
}

SPEC("a given descriptor is written at its position, or at start without moving it") {
  begin();
  put("old", "0123456789");
  int fd = open(path_to("old"), O_RDWR);
  lseek(fd, 2, SEEK_SET);
  adopt(fd);
  file.closes = false;
  CHECK_EQUAL(weir_file_adopt(&file), 0);
  CHECK(file.regular && !file.positioned);
  CHECK_EQUAL(write_text("AB", 0), 2);
  CHECK_EQUAL(lseek(fd, 0, SEEK_CUR), 4);
  weir_file_deinit(&file);

  adopt(fd);
  file.has_start = true;
  file.start = 8;
  CHECK_EQUAL(weir_file_adopt(&file), 0);
  CHECK(file.positioned);
  CHECK_EQUAL(write_text("Z", 0), 1);
  CHECK_EQUAL(lseek(fd, 0, SEEK_CUR), 4);
  end();
  check_content("old", "01AB4567Z9");
}

SPEC("a given descriptor that appends has no positions, start or not") {
  begin();
  put("old", "abc");
  adopt(open(path_to("old"), O_WRONLY | O_APPEND));
  file.has_start = true;
  CHECK_EQUAL(weir_file_adopt(&file), 0);
  CHECK(!file.positioned);
  CHECK_EQUAL(write_text("d", 0), 1);
  end();
  check_content("old", "abcd");
}

SPEC("a given descriptor stays open where it is not ours to close") {
  int fd = open("/dev/null", O_WRONLY);
  adopt(fd);
  file.closes = false;
  CHECK_EQUAL(weir_file_adopt(&file), 0);
  CHECK_EQUAL(weir_file_close(&file), 0);
  CHECK_EQUAL(file.fd, -1);
  CHECK_EQUAL(fcntl(fd, F_GETFD), 0);
  close(fd);
  weir_file_deinit(&file);
}

SPEC("the standard descriptors are never closed") {
  for (int fd = 0; fd <= 2; fd++) {
    adopt(fd);
    if (weir_file_adopt(&file) == EBADF) continue; /* this program was started without it */
    CHECK_EQUAL(weir_file_close(&file), 0);
    CHECK(fcntl(fd, F_GETFD) >= 0);
    weir_file_deinit(&file);
  }
}

SPEC("a descriptor that is not open, or of a folder, is refused") {
  adopt(987);
  CHECK_EQUAL(weir_file_adopt(&file), EBADF);
  weir_file_deinit(&file);
  begin();
  adopt(open(folder, O_RDONLY));
  CHECK_EQUAL(weir_file_adopt(&file), EISDIR);
  end();
}

/* --- sync -------------------------------------------------------------------------------------- */

SPEC("finish has something to do only for a sync or an atomic file") {
  weir_file_init(&file);
  CHECK(!weir_file_has_finish(&file));
  file.sync = WEIR_SYNC_DATA;
  CHECK(weir_file_has_finish(&file));
  file.sync = WEIR_SYNC_NONE;
  file.atomic = true;
  CHECK(weir_file_has_finish(&file));
  weir_file_deinit(&file);
}

SPEC("finish syncs new and old files, also one that was renamed or unlinked meanwhile") {
  for (int sync = WEIR_SYNC_DATA; sync <= WEIR_SYNC_FULL; sync++) {
    begin();
    for (int round = 0; round < 4; round++) {
      prepare("file", "w");
      file.sync = (weir_sync)sync;
      CHECK_EQUAL(weir_file_open(&file), 0);
      CHECK_EQUAL(write_text("abc", 0), 3);
      char other[sizeof path];
      strcpy(other, path_to("other"));
      if (round == 2) CHECK_EQUAL(rename(path_to("file"), other), 0);
      if (round == 3) CHECK_EQUAL(unlink(path_to("file")), 0);
      CHECK_EQUAL(weir_file_finish(&file), 0);
      end();
    }
  }
}

SPEC("finish of what cannot be synced fails in that call") {
  weir_file_init(&file);
  file.path = strdup("/dev/null");
  file.sync = WEIR_SYNC_FULL;
  CHECK_EQUAL(weir_file_open(&file), 0);
  CHECK(weir_file_finish(&file) != 0);
  CHECK_STRING(file.failed_call, "fsync");
  end();
}

/* --- atomic ------------------------------------------------------------------------------------ */

static int open_atomic(const char *name, const char *flags) {
  prepare(name, flags);
  file.atomic = true;
  return weir_file_open(&file);
}

SPEC("an atomic file takes the target's place on finish, not before, and keeps its mode") {
  begin();
  put("target", "old");
  chmod(path_to("target"), 0640);
  CHECK_EQUAL(open_atomic("target", "w"), 0);
  CHECK_EQUAL(write_text("new", 0), 3);
  CHECK_EQUAL(each_name(NULL), 2);
  check_content("target", "old");
  CHECK_EQUAL(weir_file_finish(&file), 0);
  CHECK_EQUAL(each_name(NULL), 1);
  check_content("target", "new");
  CHECK_EQUAL(mode_of("target"), 0640);
  end();
  CHECK_EQUAL(each_name(NULL), 1);
}

SPEC("an atomic file that is closed before leaves nothing but the target") {
  begin();
  put("target", "old");
  CHECK_EQUAL(open_atomic("target", "w"), 0);
  CHECK_EQUAL(write_text("new", 0), 3);
  end();
  check_content("target", "old");
  CHECK_EQUAL(each_name(NULL), 1);
  CHECK_EQUAL(open_atomic("new", "w"), 0);
  end();
  CHECK_EQUAL(each_name(NULL), 1);
}

SPEC("many atomic files for one target do not meet") {
  begin();
  put("target", "old");
  weir_file files[20];
  for (int i = 0; i < 20; i++) {
    CHECK_EQUAL(open_atomic("target", "w"), 0);
    files[i] = file;
  }
  CHECK_EQUAL(each_name(NULL), 21);
  for (int i = 0; i < 20; i++) {
    file = files[i];
    char digit[] = {(char)('a' + i), '\0'};
    CHECK_EQUAL(write_text(digit, 0), 1);
    CHECK_EQUAL(weir_file_finish(&file), 0);
    end();
    check_content("target", digit);
  }
  CHECK_EQUAL(each_name(NULL), 1);
}

SPEC("an atomic file is refused where it would not replace one file by another") {
  begin();
  CHECK_EQUAL(open_atomic(".", "w"), EISDIR);
  end();
  CHECK_EQUAL(symlink("nowhere", path_to("link")), 0);
  CHECK_EQUAL(open_atomic("link", "w"), ENOENT);
  CHECK_STRING(file.failed_call, "stat");
  end();
  put("target", "old");
  CHECK_EQUAL(open_atomic("target", "wx"), EEXIST);
  end();
  CHECK_EQUAL(open_atomic("no/file", "w"), ENOENT);
  end();
  weir_file_init(&file);
  file.path = strdup("/dev/null");
  file.atomic = true;
  CHECK_EQUAL(weir_file_open(&file), EINVAL);
  end();
  CHECK_EQUAL(each_name(NULL), 2);
}

/* --- memory ------------------------------------------------------------------------------------ */

/* Opens, writes, finishes and closes; each step may fail for want of memory. */
static void try_all(bool atomic, const char *name) {
  weir_file_init(&file);
  file.flags = weir_file_flags("w");
  file.path = strdup(path_to(name));
  if (!file.path) return;
  file.atomic = atomic;
  file.sync = WEIR_SYNC_FULL;
  int error = weir_file_open(&file);
  if (!error) {
    CHECK_EQUAL(write_text("new", 0), 3);
    error = weir_file_finish(&file);
  }
  CHECK(error == 0 || error == ENOMEM);
  CHECK_EQUAL(weir_file_close(&file), 0);
  weir_file_deinit(&file);
}

SPEC("without memory it fails with ENOMEM, and leaves nothing behind") {
  if (!failing_alloc_works()) SKIP("no allocation can be made to fail here");
  for (int variant = 0; variant < 4; variant++) {
    bool atomic = variant & 1, new = variant & 2;
    for (int sticky = 0; sticky <= 1; sticky++) {
      long nth = 0;
      do {
        begin();
        if (!new) put("target", "old");
        int fd_before = dup(0);
        close(fd_before);
        failing_alloc_begin(++nth, sticky);
        try_all(atomic, "target");
        failing_alloc_end();
        int fd_after = dup(0);
        close(fd_after);
        CHECK_EQUAL(fd_after, fd_before);
        CHECK(each_name(NULL) <= 1);
      } while (failing_alloc_failed() && CHECK(nth < 100));
      check_content("target", "new");
    }
  }
}

SPEC("nothing is left of all this") {
  begin();
  CHECK_EQUAL(rmdir(folder), 0);
}

int main(int argc, char **argv) {
  return check_main(argc, argv);
}
