// SPDX-License-Identifier: GPL-3.0-only
// loadMasterKey(): where the encryption key comes from (contract section 2, ruling 27).
#include "secrets/key_ring.h"

#include "base/owned_file.h"
#include "base/random.h"
#include "base/write_all.h"
#include "secrets/credential_text.h"
#include "secrets/sealed_text.h"

#include <array>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace llmproxy {

namespace {

class File
{
public:
    explicit File(int descriptor) : m_descriptor(descriptor) {}
    ~File()
    {
        if (m_descriptor >= 0)
            close(m_descriptor);
    }
    File(const File &) = delete;
    File &operator=(const File &) = delete;
    bool isOpen() const { return m_descriptor >= 0; }
    int get() const { return m_descriptor; }

private:
    int m_descriptor;
};

enum class KeyFile { Named, Generated };

Error keyError(const std::string &message, const std::string &setting)
{
    return {ErrorKind::Invalid, "encryption_key", message, setting};
}

std::optional<Secret> keyOf(std::string_view text)
{
    if (text.size() == sealingKeyBytes)
        return Secret(text);
    auto key = fromBase64(text);
    return key && key->size() == sealingKeyBytes ? std::move(key) : std::nullopt;
}

// As a user that is not root finds a file of a Kubernetes secret: it is root's, and the group may read it.
bool isRootsForGroup(const struct stat &file)
{
    return geteuid() != 0 && file.st_uid == 0 && (file.st_mode & (S_IWGRP | S_IRWXO)) == 0;
}

bool isOpenToOthers(const struct stat &file, KeyFile kind)
{
    const mode_t open = file.st_mode & (S_IRWXG | S_IRWXO);
    if (kind == KeyFile::Generated) // its group's rights are taken away or warned of where the data directory is opened
        return (open & S_IRWXO) != 0;
    return open != 0 && !isRootsForGroup(file);
}

Result<MasterKey> readKeyFile(int descriptor, const std::string &path, KeyFile kind, const std::string &source,
                              const std::string &setting)
{
    struct stat about{};
    if (fstat(descriptor, &about) != 0 || !S_ISREG(about.st_mode))
        return keyError("The encryption key file '" + path + "' is not a regular file.", setting);
    if (isOpenToOthers(about, kind))
        return keyError("The encryption key file '" + path + "' is open to other users; run: chmod 600 '" + path + "'",
                        setting);
    std::array<char, 256> buffer{};
    const ssize_t size = ::read(descriptor, buffer.data(), buffer.size());
    const std::string_view text(buffer.data(), size > 0 ? static_cast<size_t>(size) : 0);
    const CredentialText read = readCredential(text);
    auto key = fromBase64(read.value);
    wipe(buffer.data(), buffer.size());
    if (!read.problem.empty())
        return keyError("The encryption key file '" + path + "' does not hold base64 of 32 bytes: its content " + std::string(read.problem) + ".", setting);
    if (!key || key->size() != sealingKeyBytes)
        return keyError("The encryption key file '" + path + "' does not hold base64 of 32 bytes; make one with: "
                        "openssl rand -base64 32", setting);
    return MasterKey{std::move(*key), source};
}

Result<MasterKey> generateKeyFile(const std::string &path, const std::string &dataDir)
{
    std::string problem;
    const File file(openOwned(path, O_WRONLY | O_CREAT | O_EXCL, 0600, &problem));
    if (!file.isOpen())
        return keyError("The encryption key file '" + path + "' cannot be made: " + problem, "DATA_DIR");
    std::array<char, sealingKeyBytes> bytes{};
    randomBytes(bytes.data(), bytes.size());
    Secret key(std::string_view(bytes.data(), bytes.size()));
    wipe(bytes.data(), bytes.size());
    std::string text = toBase64(key.reveal());
    text += '\n';
    const bool written = fchmod(file.get(), 0600) == 0 && writeAll(file.get(), text) && fsync(file.get()) == 0 && syncFolder(dataDir);
    wipe(text.data(), text.size());
    if (!written) {
        const std::string why = std::strerror(errno);
        unlink(path.c_str()); // half a key would be taken for a damaged one at the next start
        return keyError("The encryption key file '" + path + "' cannot be written: " + why, "DATA_DIR");
    }
    return MasterKey{std::move(key), "generated"};
}

Error missingKey(const std::string &path, const std::string &recorded)
{
    const auto missing = [](const std::string &message, const std::string &setting) {
        return Error{ErrorKind::Invalid, std::string(missingKeyCode), "The encryption key is missing: " + message + "; without it the stored keys cannot be decrypted.", setting};
    };
    if (recorded == "environment" || recorded == "file")
        return missing(settingOfSource(recorded) + " is not set, neither in the environment nor in the .env that was read, "
                       "and the stored keys were encrypted with it. Set it again", settingOfSource(recorded));
    if (!recorded.empty())
        return missing("'" + path + "', which was generated for the stored keys, is not there. Put it back", "DATA_DIR");
    return missing("'" + path + "' is not there, and neither ENCRYPTION_KEY nor ENCRYPTION_KEY_FILE is set. Put the key back", "ENCRYPTION_KEY");
}

} // namespace

std::string settingOfSource(const std::string &source)
{
    return source == "environment" ? "ENCRYPTION_KEY" : source.starts_with("file") ? "ENCRYPTION_KEY_FILE" : "encryption.key in the data directory";
}

Result<MasterKey> loadMasterKey(const Secret &fromEnvironment, const std::string &file, const std::string &dataDir,
                                bool mayCreate, const std::string &recorded)
{
    if (!fromEnvironment.isEmpty()) {
        auto key = keyOf(fromEnvironment.reveal());
        if (!key)
            return keyError("ENCRYPTION_KEY is not base64 of 32 bytes; make one with: openssl rand -base64 32",
                            "ENCRYPTION_KEY");
        return MasterKey{std::move(*key), "environment"};
    }
    if (!file.empty()) {
        const File handle(open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
        if (!handle.isOpen())
            return keyError("The encryption key file '" + file + "' cannot be read: " + std::strerror(errno),
                            "ENCRYPTION_KEY_FILE");
        return readKeyFile(handle.get(), file, KeyFile::Named, "file:" + file, "ENCRYPTION_KEY_FILE");
    }
    const std::string path = dataDir + "/encryption.key";
    std::string problem;
    const File handle(openOwned(path, O_RDONLY, 0, &problem));
    if (handle.isOpen())
        return readKeyFile(handle.get(), path, KeyFile::Generated, "generated", "DATA_DIR");
    if (errno != ENOENT)
        return keyError("The encryption key file '" + path + "' cannot be read: " + problem, "DATA_DIR");
    if (!mayCreate)
        return missingKey(path, recorded);
    return generateKeyFile(path, dataDir);
}

} // namespace llmproxy
