/* The one thing that disk images need of zlib (Debian's zlib1g-dev): to inflate a raw deflate stream in one go. */
#pragma once

#include <stddef.h>
#include <zlib.h>

/* Inflates the stream that starts at `input` and may end before its `input_count` bytes do, until `output` is full.
 * Returns 1 when exactly `output_count` bytes came out, 0 when the stream is broken or shorter, or memory is short.
 * qcow2 has no zlib header and a window of 4 KiB; a window of 32 KiB reads any stream. */
static inline int zlib_inflate_raw(const void *input, size_t input_count, void *output, size_t output_count) {
  z_stream stream = {0};
  stream.next_in = (Bytef *)input;
  stream.avail_in = (uInt)input_count;
  stream.next_out = (Bytef *)output;
  stream.avail_out = (uInt)output_count;
  if (inflateInit2(&stream, -MAX_WBITS) != Z_OK) return 0;
  int status = inflate(&stream, Z_FINISH);
  inflateEnd(&stream);
  return (status == Z_STREAM_END || status == Z_BUF_ERROR) && stream.avail_out == 0;
}
