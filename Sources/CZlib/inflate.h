/* What is needed of zlib (Debian's zlib1g-dev): to inflate in one go a raw deflate stream, for disk images, and a gzip file,
 * for kernels. */
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

/* 1 when all of the input is one gzip member that inflates to exactly `output_count` bytes, its check included; else 0.
 * Both counts are below 4 GiB. */
static inline int zlib_inflate_gzip(const void *input, size_t input_count, void *output, size_t output_count) {
  z_stream stream = {0};
  stream.next_in = (Bytef *)input;
  stream.avail_in = (uInt)input_count;
  stream.next_out = (Bytef *)output;
  stream.avail_out = (uInt)output_count;
  if (inflateInit2(&stream, 16 + MAX_WBITS) != Z_OK) return 0;
  int status = inflate(&stream, Z_FINISH);
  inflateEnd(&stream);
  return status == Z_STREAM_END && stream.avail_in == 0 && stream.avail_out == 0;
}
