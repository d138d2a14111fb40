/* file_io_read_spec.c - files as blocking calls: what a read gives back.
** SPDX-License-Identifier: MIT
*/
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "sinks/file_io.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "support/check.h"

static char path[] = "/tmp/weir_file_io_read_XXXXXX";
static weir_file file;

/* A file of this content at `path`; NULL: none. */
static void begin(const char *content) {
  strcpy(path + strlen(path) - 6, "XXXXXX");
  int fd = mkstemp(path);
  if (fd < 0) abort();
  if (content && write(fd, content, strlen(content)) < 0) abort();
  close(fd);
  if (!content) unlink(path);
}

static void end(void) {
  CHECK_EQUAL(weir_file_close(&file), 0);
  CHECK_EQUAL(file.fd, -1);
  weir_file_deinit(&file);
  unlink(path);
}

/* Opens for reading; the rest of `file` may be set before. */
static int open_to_read(const char *name) {
  file.reads = true;
  file.flags = weir_file_flags("r");
  file.path = strdup(name);
  return weir_file_open(&file);
}

SPEC("a file is read from where it is told, and does not move; one that is shared moves") {
  char buffer[8];
  for (int shared = 0; shared <= 1; shared++) {
    begin("0123456789");
    weir_file_init(&file);
    file.shared = shared;
    CHECK_EQUAL(open_to_read(path), 0);
    CHECK_EQUAL(file.positioned, !shared);
    CHECK_EQUAL(weir_file_read(&file, buffer, 4, 0), 4);
    CHECK(memcmp(buffer, "0123", 4) == 0);
    CHECK_EQUAL(lseek(file.fd, 0, SEEK_CUR), shared ? 4 : 0);
    CHECK_EQUAL(weir_file_read(&file, buffer, 8, 4), 6);
    CHECK(memcmp(buffer, "456789", 6) == 0);
    CHECK_EQUAL(weir_file_read(&file, buffer, 8, 10), 0);
    end();
  }
}

SPEC("reading says what is wrong with a folder, and with what was not opened for it") {
  char buffer[8];
  weir_file_init(&file);
  CHECK_EQUAL(open_to_read("/tmp"), 0);
  CHECK_EQUAL(weir_file_read(&file, buffer, 8, 0), -EISDIR);
  CHECK_STRING(file.failed_call, "read");
  end();
  begin("abc");
  weir_file_init(&file);
  file.reads = true;
  file.path = strdup(path);
  CHECK_EQUAL(weir_file_open(&file), 0);
  CHECK_EQUAL(weir_file_read(&file, buffer, 8, 0), -EBADF);
  end();
}

SPEC("a FIFO that nobody has written into yet is not at its end") {
  char buffer[8];
  begin(NULL);
  if (mkfifo(path, 0600) != 0) SKIP("no FIFO can be made here");
  weir_file_init(&file);
  CHECK_EQUAL(open_to_read(path), 0);
  CHECK_EQUAL(weir_file_read(&file, buffer, 8, 0), -EAGAIN);
  int writer = open(path, O_WRONLY);
  CHECK_EQUAL(write(writer, "abc", 3), 3);
  CHECK_EQUAL(weir_file_read(&file, buffer, 8, 0), 3);
  CHECK_EQUAL(weir_file_read(&file, buffer, 8, 0), -EAGAIN);
  close(writer);
  CHECK_EQUAL(weir_file_read(&file, buffer, 8, 0), 0);
  end();
}

int main(int argc, char **argv) {
  return check_main(argc, argv);
}
