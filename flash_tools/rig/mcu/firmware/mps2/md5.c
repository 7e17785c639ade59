// MD5 (RFC 1321).
#include <string.h>

#include "lib/axtls/crypto/crypto.h"

static const uint8_t shifts[4][4] = {{7, 12, 17, 22}, {5, 9, 14, 20}, {4, 11, 16, 23}, {6, 10, 15, 21}};
static const uint32_t sines[64] = {
    0xd76aa478, 0xe8c7b756, 0x242070db, 0xc1bdceee, 0xf57c0faf, 0x4787c62a, 0xa8304613, 0xfd469501,
    0x698098d8, 0x8b44f7af, 0xffff5bb1, 0x895cd7be, 0x6b901122, 0xfd987193, 0xa679438e, 0x49b40821,
    0xf61e2562, 0xc040b340, 0x265e5a51, 0xe9b6c7aa, 0xd62f105d, 0x02441453, 0xd8a1e681, 0xe7d3fbc8,
    0x21e1cde6, 0xc33707d6, 0xf4d50d87, 0x455a14ed, 0xa9e3e905, 0xfcefa3f8, 0x676f02d9, 0x8d2a4c8a,
    0xfffa3942, 0x8771f681, 0x6d9d6122, 0xfde5380c, 0xa4beea44, 0x4bdecfa9, 0xf6bb4b60, 0xbebfbc70,
    0x289b7ec6, 0xeaa127fa, 0xd4ef3085, 0x04881d05, 0xd9d4d039, 0xe6db99e5, 0x1fa27cf8, 0xc4ac5665,
    0xf4292244, 0x432aff97, 0xab9423a7, 0xfc93a039, 0x655b59c3, 0x8f0ccc92, 0xffeff47d, 0x85845dd1,
    0x6fa87e4f, 0xfe2ce6e0, 0xa3014314, 0x4e0811a1, 0xf7537e82, 0xbd3af235, 0x2ad7d2bb, 0xeb86d391,
};

static void mix(MD5_CTX *md5) {
    uint32_t words[16], a = md5->state[0], b = md5->state[1], c = md5->state[2], d = md5->state[3];
    memcpy(words, md5->block, sizeof(words));
    for (uint32_t i = 0; i < 64; i++) {
        uint32_t round = i >> 4, f, k;
        if (round == 0) {
            f = (b & c) | (~b & d), k = i;
        } else if (round == 1) {
            f = (d & b) | (~d & c), k = 5 * i + 1;
        } else if (round == 2) {
            f = b ^ c ^ d, k = 3 * i + 5;
        } else {
            f = c ^ (b | ~d), k = 7 * i;
        }
        f += a + sines[i] + words[k & 15];
        uint32_t shift = shifts[round][i & 3];
        a = d, d = c, c = b, b += f << shift | f >> (32 - shift);
    }
    md5->state[0] += a, md5->state[1] += b, md5->state[2] += c, md5->state[3] += d;
}

void MD5_Init(MD5_CTX *md5) {
    *md5 = (MD5_CTX) {{0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476}, 0, {0}};
}

void MD5_Update(MD5_CTX *md5, const uint8_t *data, int size) {
    for (int i = 0; i < size; i++) {
        md5->block[md5->size++ & 63] = data[i];
        if (!(md5->size & 63)) {
            mix(md5);
        }
    }
}

void MD5_Final(uint8_t *digest, MD5_CTX *md5) {
    uint64_t bits = (uint64_t)md5->size << 3;
    MD5_Update(md5, (const uint8_t *)"\x80", 1);
    while ((md5->size & 63) != 56) {
        MD5_Update(md5, (const uint8_t *)"", 1);
    }
    MD5_Update(md5, (const uint8_t *)&bits, 8);
    memcpy(digest, md5->state, MD5_SIZE);
}
