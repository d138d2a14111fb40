/* fence_spec.c - what was accepted before a fence, and what behind it: the sink gets the one, is
** asked, and gets the other.
** SPDX-License-Identifier: MIT
*/
#include "core/writable.h"
#include "support/check.h"
#include "support/failing_alloc.h"
#include "support/fake_sink.h"

static fake_bytes sink;

static void on_fence(void *self) {
  fake_note(((fake_bytes *)self)->sink.host, "fence");
}

static fake_host *open_with(fake_options options) {
  fake_host *host = fake_bytes_new(&sink, options);
  sink.sink.port.fence = on_fence;
  fake_run(host);
  fake_log(host);
  return host;
}

static weir_verdict put_fence(fake_host *host, const char *name) {
  weir_error *refusal = NULL;
  weir_callback callback = fake_callback(host, name);
  weir_verdict verdict = weir_writable_fence(host->writable, callback, &refusal);
  if (verdict == WEIR_NO_MEMORY) {
    host->owed[(unsigned char)*name]--;
    fake_forget(host, callback.anchor);
  }
  if (verdict == WEIR_REFUSED) fake_note(host, "refused(%s)", fake_error_name(host, refusal));
  weir_error_release(refusal);
  return verdict;
}

static void pass(fake_host *host) {
  weir_stream_hold(host->stream);
  weir_stream *stream = host->stream;
  weir_writable_fence_passed(host->writable);
  weir_stream_release(stream);
}

SPEC("the sink is asked at a fence when all before it has been written, and only then goes on") {
  fake_host *host = open_with((fake_options){.mark = 100});
  fake_write(host, "ab", "A");
  put_fence(host, "F");
  fake_write(host, "cd", "C");
  fake_run(host);
  CHECK_LOG(host, "true true | take(ab)");
  fake_bytes_write(&sink, 1);
  CHECK_LOG(host, "");
  fake_bytes_write(&sink, 1);
  CHECK_LOG(host, "fence A");
  fake_run(host);
  pass(host);
  CHECK_LOG(host, "| take(cd) F");
  fake_bytes_write(&sink, 2);
  CHECK_LOG(host, "C");
  CHECK_STRING(sink.delivered, "abcd");
  fake_host_free(host);
}

SPEC("a fence on an idle stream is reached at the turn's end, and the end waits for it") {
  fake_host *host = open_with((fake_options){.mark = 100});
  put_fence(host, "F");
  fake_end(host, NULL, "E");
  fake_run(host);
  CHECK_LOG(host, "| fence");
  pass(host);
  fake_run(host);
  CHECK_LOG(host, "F prefinish | E finish close");
  fake_host_free(host);
}

SPEC("fences side by side, and chunks of no bytes between them, are passed one by one") {
  fake_host *host = open_with((fake_options){.mark = 100});
  put_fence(host, "F");
  fake_write(host, "", "A");
  put_fence(host, NULL);
  put_fence(host, "G");
  fake_write(host, "b", "B");
  fake_run(host);
  CHECK_LOG(host, "true true | fence");
  pass(host);
  CHECK_LOG(host, "fence F A");
  pass(host);
  CHECK_LOG(host, "fence");
  pass(host);
  CHECK_LOG(host, "take(b) G");
  fake_bytes_write(&sink, 1);
  CHECK_LOG(host, "B");
  fake_host_free(host);
}

SPEC("a corked stream comes to no fence") {
  fake_host *host = open_with((fake_options){.mark = 100});
  fake_cork(host);
  fake_write(host, "ab", NULL);
  put_fence(host, "F");
  fake_run(host);
  CHECK_LOG(host, "true |");
  fake_uncork(host);
  fake_bytes_write(&sink, 2);
  CHECK_LOG(host, "take(ab) fence");
  fake_cork(host);
  pass(host);
  fake_run(host);
  CHECK_LOG(host, "|");
  fake_uncork(host);
  fake_run(host);
  CHECK_LOG(host, "| F");
  fake_host_free(host);
}

SPEC("a stream that fails or is destroyed at a fence tells all in order, and passes nothing") {
  fake_host *host = open_with((fake_options){.mark = 100});
  put_fence(host, "F");
  fake_write(host, "ab", "A");
  fake_run(host);
  fake_log(host);
  fake_destroy(host, NULL);
  pass(host);
  fake_run(host);
  CHECK_LOG(host, "| F(DESTROYED) A(DESTROYED) close");
  CHECK_EQUAL(put_fence(host, "G"), WEIR_REFUSED);
  fake_run(host);
  CHECK_LOG(host, "refused(DESTROYED) | G(DESTROYED)");
  fake_host_free(host);
}

SPEC("a stream that failed at a fence, and lives on, passes nothing") {
  fake_host *host = open_with((fake_options){.mark = 100, .survives = true});
  put_fence(host, "F");
  fake_write(host, "ab", "A");
  fake_run(host);
  fake_log(host);
  fake_bytes_fail(&sink, "EIO");
  CHECK_LOG(host, "F(EIO) A(EIO) error(EIO)");
  pass(host);
  CHECK_LOG(host, "");
  CHECK_EQUAL(put_fence(host, "G"), WEIR_REFUSED);
  fake_run(host);
  CHECK_LOG(host, "refused(EIO) | G(EIO)");
  fake_destroy(host, NULL);
  fake_host_free(host);
}

SPEC(
    "a stream that failed for want of memory says so at a fence, and does not call it a new want") {
  fake_host *host = open_with((fake_options){.mark = 100, .survives = true});
  weir_stream_fail_with(host->stream, WEIR_E_OUT_OF_MEMORY);
  CHECK_LOG(host, "error(ENOMEM)");
  CHECK_EQUAL(put_fence(host, "F"), WEIR_REFUSED);
  fake_run(host);
  CHECK_LOG(host, "refused(ENOMEM) | F(ENOMEM)");
  fake_destroy(host, NULL);
  fake_host_free(host);
}

SPEC("a fence behind the end is refused, and the stream does not suffer") {
  fake_host *host = open_with((fake_options){.mark = 100});
  fake_end(host, "ab", NULL);
  CHECK_EQUAL(put_fence(host, "F"), WEIR_REFUSED);
  CHECK_EQUAL(put_fence(host, NULL), WEIR_REFUSED);
  fake_run(host);
  fake_bytes_write(&sink, 2);
  fake_run(host);
  CHECK_EQUAL(host->finishes, 1);
  CHECK_EQUAL(host->errors, 0);
  fake_host_free(host);
}

SPEC("a fence for which there is no memory takes nothing") {
  if (!failing_alloc_works()) SKIP("no allocation can fail here");
  for (int ended = 0; ended <= 1; ended++) {
    fake_host *host = open_with((fake_options){.mark = 100});
    if (ended) fake_end(host, NULL, NULL);
    long nth = 0;
    do {
      failing_alloc_begin(++nth, true);
      weir_verdict verdict = put_fence(host, "F");
      failing_alloc_end();
      CHECK_EQUAL(verdict == WEIR_NO_MEMORY, failing_alloc_failed());
    } while (failing_alloc_failed() && nth < 20);
    fake_run(host);
    if (!ended) pass(host);
    fake_host_free(host);
  }
}

int main(int argc, char **argv) {
  return check_main(argc, argv);
}
