/* file_wait.c - see file_wait.h.
** SPDX-License-Identifier: MIT
*/
#include "sinks/file_wait.h"

void weir_file_wait_init(weir_file_wait *wait, weir_loop *loop, weir_file *file,
                         void (*ready)(void *owner), void *owner) {
  *wait = (weir_file_wait){.loop = loop, .file = file, .ready = ready, .owner = owner};
}

static void stop(weir_file_wait *wait) {
  if (!wait->waits) return;
  wait->waits = false;
  if (weir_handle_is_open(&wait->poll)) wait->loop->uv->poll_stop(wait->poll.uv.poll);
  weir_stream_release(wait->stream);
}

/* An error of the descriptor shows in the call that is made next. */
static void on_ready(uv_poll_t *poll, int status, int events) {
  weir_file_wait *wait = weir_handle_of((uv_handle_t *)poll)->owner;
  weir_loop *loop = wait->loop;
  weir_stream *stream = wait->stream;
  (void)status, (void)events;
  weir_stream_hold(stream);
  stop(wait);
  wait->ready(wait->owner);
  weir_stream_release(stream); /* the file may be gone now */
  weir_loop_run_ticks(loop);
}

static bool open_poll(weir_file_wait *wait) {
  if (wait->poll.uv.any) return true;
  int fd = weir_file_waited_fd(wait->file);
  int error = weir_handle_open(&wait->poll, wait->loop, UV_POLL, fd, wait);
  weir_borrowed_restore(&wait->file->borrowed);
  if (!error && wait->no_ref) wait->loop->uv->unref(wait->poll.uv.any);
  return error == 0;
}

bool weir_file_wait_start(weir_file_wait *wait, weir_stream *stream, int events) {
  wait->file->nonblocking = wait->file->nonblocking && open_poll(wait);
  if (!wait->file->nonblocking) return false;
  wait->stream = stream;
  wait->waits = true;
  weir_stream_hold(stream);
  wait->loop->uv->poll_start(wait->poll.uv.poll, events, on_ready);
  return true;
}

void weir_file_wait_set_ref(weir_file_wait *wait, bool on) {
  wait->no_ref = !on;
  if (!weir_handle_is_open(&wait->poll)) return;
  if (on) wait->loop->uv->ref(wait->poll.uv.any);
  else wait->loop->uv->unref(wait->poll.uv.any);
}

static void on_closed(weir_handle *poll) {
  const weir_file_wait *wait = poll->owner;
  weir_stream_release(wait->stream);
}

void weir_file_wait_end(weir_file_wait *wait) {
  if (!wait->poll.uv.any) return;
  weir_stream_hold(wait->stream); /* on_closed lets go of it */
  stop(wait);
  weir_handle_close(&wait->poll, on_closed);
}
