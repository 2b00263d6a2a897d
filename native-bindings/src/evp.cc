#include "evp.h"

#include <dlfcn.h>

namespace ratatosk {

namespace {

template <typename Function>
bool find(const char* name, Function* function) {
  *function = reinterpret_cast<Function>(dlsym(RTLD_DEFAULT, name));
  return *function != nullptr;
}

}  // namespace

bool findEvp(Evp* evp) {
  return find("EVP_CIPHER_CTX_new", &evp->newContext) && find("EVP_CIPHER_CTX_free", &evp->freeContext) &&
         find("EVP_chacha20_poly1305", &evp->chaCha20Poly1305) && find("EVP_CIPHER_CTX_ctrl", &evp->control) &&
         find("EVP_EncryptInit_ex", &evp->beginSeal) && find("EVP_EncryptUpdate", &evp->seal) &&
         find("EVP_EncryptFinal_ex", &evp->endSeal) && find("EVP_DecryptInit_ex", &evp->beginOpen) &&
         find("EVP_DecryptUpdate", &evp->open) && find("EVP_DecryptFinal_ex", &evp->endOpen) &&
         find("ERR_clear_error", &evp->clearErrors) && find("OpenSSL_version", &evp->version);
}

bool findEvpDigest(EvpDigest* evp) {
  return find("EVP_MD_CTX_new", &evp->newContext) && find("EVP_MD_CTX_free", &evp->freeContext) &&
         find("EVP_MD_CTX_copy_ex", &evp->copy) && find("EVP_sha256", &evp->sha256) &&
         find("EVP_DigestInit_ex", &evp->begin) && find("EVP_DigestUpdate", &evp->update) &&
         find("EVP_DigestFinal_ex", &evp->end);
}

}  // namespace ratatosk
