/* codec.h - the port: something that makes other bytes of bytes, such as gzip.
**
** A codec may come from another library than weir's own (weir.zlib): it is reached through these
** functions only, and says by `version` which form of them it knows. It runs on a thread of the
** pool, one call at a time.
**
** Layer: core.
** SPDX-License-Identifier: MIT
*/
#ifndef WEIR_CORE_CODEC_H
#define WEIR_CORE_CODEC_H

#include <stdbool.h>
#include <stddef.h>

#define WEIR_CODEC_VERSION 1u

typedef enum weir_codec_status {
  WEIR_CODEC_GOES_ON, /* the input is used up, or the output is full */
  WEIR_CODEC_ENDS,    /* the input was the last, and all output has been given */
  WEIR_CODEC_FAILS,   /* for good */
} weir_codec_status;

/* Where to read and where to write. Both move on by what was read and written. */
typedef struct weir_codec_step {
  const char *input;
  size_t input_size;
  char *output;
  size_t output_size; /* never 0 at first */
  bool last;          /* nothing comes after this input; stays so in the calls that follow */
} weir_codec_step;

/* Why it failed. The texts are literals. */
typedef struct weir_codec_failure {
  const char *code; /* "Z_DATA_ERROR" */
  const char *message;
  int number;
} weir_codec_failure;

typedef struct weir_codec_port {
  unsigned version; /* WEIR_CODEC_VERSION; what follows may differ in others */
  const char *name; /* "gzip" */
  /* Does as much as input and output allow. What it wrote before it failed is good. */
  weir_codec_status (*step)(void *codec, weir_codec_step *step, weir_codec_failure *failure);
  void (*free)(void *codec);
} weir_codec_port;

#endif
