// MD5 for hashlib, as stock firmware of boards with a network has it (there it comes with TLS, which this board has not).
#ifndef RIG_CRYPTO_H
#define RIG_CRYPTO_H

#include <stddef.h>
#include <stdint.h>

#define MD5_SIZE (16)

typedef struct {
    uint32_t state[4];
    uint32_t size;
    uint8_t block[64];
} MD5_CTX;

void MD5_Init(MD5_CTX *md5);
void MD5_Update(MD5_CTX *md5, const uint8_t *data, int size);
void MD5_Final(uint8_t *digest, MD5_CTX *md5);

#endif
