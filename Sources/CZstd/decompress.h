/* What unpacking a kernel needs of Zstandard (Debian's libzstd-dev): ZSTD_decompress(), which takes whole frames. */
#pragma once

#include <zstd.h>
