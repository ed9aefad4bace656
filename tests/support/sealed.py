# SPDX-License-Identifier: GPL-3.0-only
"""Seals a text as the program does (proxycore/secrets/sealed_text.cpp), with the libcrypto that is on the machine: AES-256-GCM."""
import base64
import ctypes
import ctypes.util
import os
import struct

CRYPTO = ctypes.CDLL(ctypes.util.find_library("crypto"))
CRYPTO.EVP_CIPHER_CTX_new.restype = CRYPTO.EVP_aes_256_gcm.restype = ctypes.c_void_p
GET_TAG, TAG_SIZE, NONCE_SIZE = 0x10, 16, 12  # EVP_CTRL_AEAD_GET_TAG


def aes_gcm(key, nonce, plain, context):
    """The ciphertext and its tag."""
    cipher, size = ctypes.c_void_p(CRYPTO.EVP_CIPHER_CTX_new()), ctypes.c_int()
    out, tag = ctypes.create_string_buffer(len(plain) + TAG_SIZE), ctypes.create_string_buffer(TAG_SIZE)
    try:
        assert CRYPTO.EVP_EncryptInit_ex(cipher, ctypes.c_void_p(CRYPTO.EVP_aes_256_gcm()), None, key, nonce) == 1
        assert CRYPTO.EVP_EncryptUpdate(cipher, None, ctypes.byref(size), context, len(context)) == 1
        assert CRYPTO.EVP_EncryptUpdate(cipher, out, ctypes.byref(size), plain, len(plain)) == 1
        assert CRYPTO.EVP_EncryptFinal_ex(cipher, tag, ctypes.byref(size)) == 1
        assert CRYPTO.EVP_CIPHER_CTX_ctrl(cipher, GET_TAG, TAG_SIZE, tag) == 1
    finally:
        CRYPTO.EVP_CIPHER_CTX_free(cipher)
    return out.raw[:len(plain)] + tag.raw


def sealed(key, key_id, plain, *context):
    """context: type, id and field of what is sealed."""
    bound = b"llm-proxy" + b"".join(struct.pack(">I", len(part)) + part.encode() for part in (key_id, *context))
    nonce = os.urandom(NONCE_SIZE)
    return f"enc:v1:{key_id}:" + base64.b64encode(nonce + aes_gcm(key, nonce, plain.encode(), bound)).decode()
