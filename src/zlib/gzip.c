/* gzip.c - see gzip.h.
** SPDX-License-Identifier: MIT
*/
#include "zlib/gzip.h"

#include <stdlib.h>
#include <zlib.h>

enum {
  WINDOW_BITS = MAX_WBITS + 16, /* 16: gzip's header and trailer, not zlib's */
  MEMORY_LEVEL = 8,
  BYTES_MAX = 1 << 30, /* zlib counts in unsigned int */
};

/* --- both --- */

static uInt bounded(size_t size) {
  return size < BYTES_MAX ? (uInt)size : BYTES_MAX;
}

/* Calls zlib once, and moves the step on by what it did. */
static int call(z_stream *z, int (*function)(z_stream *z, int flush), int flush,
                weir_codec_step *step) {
  uInt input = bounded(step->input_size), output = bounded(step->output_size);
  z->next_in = (Bytef *)(size_t)step->input; /* zlib only reads it */
  z->avail_in = input;
  z->next_out = (Bytef *)step->output;
  z->avail_out = output;
  int result = function(z, flush);
  input -= z->avail_in;
  output -= z->avail_out;
  step->input += input;
  step->input_size -= input;
  step->output += output;
  step->output_size -= output;
  return result;
}

static weir_codec_status fail(const z_stream *z, int result, weir_codec_failure *failure) {
  static const struct {
    int result;
    const char *code, *message;
  } known[] = {
      {Z_BUF_ERROR, "Z_BUF_ERROR", "unexpected end of file"},
      {Z_DATA_ERROR, "Z_DATA_ERROR", "the data is damaged"},
      {Z_NEED_DICT, "Z_NEED_DICT", "Missing dictionary"},
      {Z_MEM_ERROR, "Z_MEM_ERROR", "not enough memory"},
  };
  *failure = (weir_codec_failure){"Z_STREAM_ERROR", "Zlib error", result};
  for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
    if (known[i].result != result) continue;
    failure->code = known[i].code;
    failure->message = known[i].message;
  }
  if (z->msg && result != Z_BUF_ERROR) failure->message = z->msg;
  return WEIR_CODEC_FAILS;
}

/* --- gzip --- */

void *weir_gzip_new(int level) {
  z_stream *z = calloc(1, sizeof *z);
  if (!z) return NULL;
  if (deflateInit2(z, level, Z_DEFLATED, WINDOW_BITS, MEMORY_LEVEL, Z_DEFAULT_STRATEGY) != Z_OK) {
    free(z);
    return NULL;
  }
  return z;
}

static weir_codec_status gzip_step(void *codec, weir_codec_step *step,
                                   weir_codec_failure *failure) {
  z_stream *z = codec;
  for (;;) {
    bool all = step->last && step->input_size <= BYTES_MAX;
    int result = call(z, deflate, all ? Z_FINISH : Z_NO_FLUSH, step);
    if (result == Z_STREAM_END) return WEIR_CODEC_ENDS;
    if (result != Z_OK && result != Z_BUF_ERROR) return fail(z, result, failure);
    if (step->input_size == 0 || step->output_size == 0) return WEIR_CODEC_GOES_ON;
  }
}

static void gzip_free(void *codec) {
  deflateEnd(codec);
  free(codec);
}

const weir_codec_port weir_gzip_port = {
    .version = WEIR_CODEC_VERSION,
    .name = "gzip",
    .step = gzip_step,
    .free = gzip_free,
};

/* --- gunzip --- */

typedef struct gunzip {
  z_stream z;
  bool between; /* a member has ended, and no other has begun */
} gunzip;

void *weir_gunzip_new(void) {
  gunzip *it = calloc(1, sizeof *it);
  if (!it) return NULL;
  if (inflateInit2(&it->z, WINDOW_BITS) != Z_OK) {
    free(it);
    return NULL;
  }
  return it;
}

static void skip_padding(weir_codec_step *step) {
  while (step->input_size > 0 && *step->input == 0) {
    step->input++;
    step->input_size--;
  }
}

static weir_codec_status gunzip_step(void *codec, weir_codec_step *step,
                                     weir_codec_failure *failure) {
  gunzip *it = codec;
  for (;;) {
    if (it->between) {
      skip_padding(step);
      if (step->input_size == 0) return step->last ? WEIR_CODEC_ENDS : WEIR_CODEC_GOES_ON;
      inflateReset(&it->z);
      it->between = false;
    }
    if (step->output_size == 0) return WEIR_CODEC_GOES_ON;
    int result = call(&it->z, inflate, Z_NO_FLUSH, step);
    if (result == Z_STREAM_END) {
      it->between = true;
    } else if (result != Z_OK && result != Z_BUF_ERROR) {
      return fail(&it->z, result, failure);
    } else if (step->input_size == 0 && step->output_size > 0) {
      /* All that it could give is out: what is still missing would have to come from the input. */
      return step->last ? fail(&it->z, Z_BUF_ERROR, failure) : WEIR_CODEC_GOES_ON;
    }
  }
}

static void gunzip_free(void *codec) {
  gunzip *it = codec;
  inflateEnd(&it->z);
  free(it);
}

const weir_codec_port weir_gunzip_port = {
    .version = WEIR_CODEC_VERSION,
    .name = "gunzip",
    .step = gunzip_step,
    .free = gunzip_free,
};
