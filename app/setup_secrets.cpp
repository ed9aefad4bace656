// SPDX-License-Identifier: GPL-3.0-only
#include "setup_secrets.h"

#include "base/owned_file.h"
#include "base/random.h"
#include "base/write_all.h"
#include "engine/data_dir.h"
#include "secrets/key_ring.h"
#include "secrets/sealed_text.h"

#include <array>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <unistd.h>

namespace llmproxy {

namespace {

constexpr size_t managementTokenSize = 43; // characters of base62: 256 bits

Outcome makeManagementToken(const std::string &dataDir)
{
    const std::string path = managementTokenPath(dataDir);
    std::string problem;
    const int file = openOwned(path, O_WRONLY | O_CREAT | O_EXCL, 0600, &problem);
    if (file < 0)
        return Error{ErrorKind::Unavailable, "management_token", "The management token file '" + path + "' cannot be created: " + problem, "MANAGEMENT_TOKEN_FILE"};
    std::string text = randomManagementToken() + '\n';
    const bool isWritten = writeAll(file, text) && fsync(file) == 0;
    const int error = errno;
    wipe(text.data(), text.size());
    close(file);
    if (isWritten && syncFolder(dataDir))
        return {};
    unlink(path.c_str()); // a part of it would be taken for the token
    return Error{ErrorKind::Unavailable, "management_token", "The management token file '" + path + "' cannot be written: " + std::strerror(error), "MANAGEMENT_TOKEN_FILE"};
}

} // namespace

std::string managementTokenPath(const std::string &dataDir)
{
    return dataDir + "/management-token";
}

std::string randomManagementToken()
{
    return randomBase62(managementTokenSize);
}

std::string randomEncryptionKey()
{
    std::array<char, sealingKeyBytes> bytes{};
    randomBytes(bytes.data(), bytes.size());
    std::string text = toBase64({bytes.data(), bytes.size()});
    wipe(bytes.data(), bytes.size());
    return text;
}

Outcome SecretFiles::write(const std::string &dataDir, std::vector<std::string> *written) const
{
    if (isNone())
        return {};
    if (Outcome failure = makeDataDir(dataDir))
        return failure;
    if (needsKey) {
        if (const auto key = loadMasterKey({}, {}, dataDir, true); !key)
            return key.error();
        written->push_back(dataDir + "/encryption.key");
    }
    if (needsToken) {
        if (Outcome failure = makeManagementToken(dataDir))
            return failure;
        written->push_back(managementTokenPath(dataDir));
    }
    return {};
}

} // namespace llmproxy
