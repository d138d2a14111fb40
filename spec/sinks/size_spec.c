/* size_spec.c - what an open stream takes that has nothing to do: ten thousand must be cheap.
** SPDX-License-Identifier: MIT
*/
#include "sinks/stream_sink.h"

#include "core/readable.h"
#include "core/writable.h"
#include "support/check.h"

/* Without libuv's handle and what the binding adds; 688 and 432 where pointers have 64 bits. */
enum { SOCKET_MAX = 688, WRITER_MAX = 432 };

SPEC("a socket's two sides, life and sink are small") {
  CHECK(sizeof(weir_stream) + sizeof(weir_writable) + sizeof(weir_readable) +
            sizeof(weir_stream_sink) <=
        SOCKET_MAX);
}

SPEC("what is only written to does not pay for reading") {
  CHECK(sizeof(weir_stream) + sizeof(weir_writable) <= WRITER_MAX);
}

int main(int argc, char **argv) {
  return check_main(argc, argv);
}
