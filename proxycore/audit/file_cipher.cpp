// SPDX-License-Identifier: GPL-3.0-only
#include "audit/file_cipher.h"

#include "base/owned_file.h"
#include "base/random.h"
#include "base/write_all.h"

#include <QByteArray>

#include <array>
#include <cerrno>
#include <charconv>
#include <fcntl.h>
#include <memory>
#include <openssl/evp.h>
#include <sys/stat.h>
#include <unistd.h>

namespace llmproxy {

namespace {

constexpr std::string_view mark = "LLM-PROXY-AUDIT 1\n";
constexpr size_t frameBytes = 64 * 1024, tagBytes = 16, fileKeyBytes = 32, nonceBytes = 12;
constexpr size_t mostOfHead = 4096;
constexpr uint32_t lastFrame = 0x80000000;

using Context = std::unique_ptr<EVP_CIPHER_CTX, decltype(&EVP_CIPHER_CTX_free)>;

// Fewer bytes only at the end; -1: errno says why.
ssize_t readAll(int fd, char *bytes, size_t size)
{
    size_t done = 0;
    while (done < size) {
        const ssize_t part = read(fd, bytes + done, size - done);
        if (part < 0 && errno == EINTR)
            continue;
        if (part < 0)
            return -1;
        if (part == 0)
            break;
        done += static_cast<size_t>(part);
    }
    return static_cast<ssize_t>(done);
}

unsigned char *bytesOf(std::string &text)
{
    return reinterpret_cast<unsigned char *>(text.data());
}

const unsigned char *bytesOf(std::string_view text)
{
    return reinterpret_cast<const unsigned char *>(text.data());
}

// Seals and opens the frames of one file, in order.
class Frames
{
public:
    Frames(const Secret &key, std::string head) : m_key(key.clone()), m_head(std::move(head)), m_context(EVP_CIPHER_CTX_new(), EVP_CIPHER_CTX_free) {}

    bool seal(std::string_view plain, bool isLast, std::string *frame)
    {
        const uint32_t length = static_cast<uint32_t>(plain.size()) | (isLast ? lastFrame : 0);
        frame->assign({static_cast<char>(length >> 24), static_cast<char>(length >> 16), static_cast<char>(length >> 8), static_cast<char>(length)});
        frame->resize(4 + plain.size() + tagBytes);
        int size = 0;
        return begin(true, frame->substr(0, 4))
            && EVP_EncryptUpdate(m_context.get(), bytesOf(*frame) + 4, &size, bytesOf(plain), static_cast<int>(plain.size())) == 1
            && EVP_EncryptFinal_ex(m_context.get(), bytesOf(*frame) + 4 + size, &size) == 1
            && EVP_CIPHER_CTX_ctrl(m_context.get(), EVP_CTRL_AEAD_GET_TAG, tagBytes, bytesOf(*frame) + 4 + plain.size()) == 1;
    }

    bool open(const std::string &length, std::string &sealed, std::string *plain)
    {
        const size_t size = sealed.size() - tagBytes;
        plain->resize(size);
        int done = 0;
        return begin(false, length)
            && EVP_DecryptUpdate(m_context.get(), bytesOf(*plain), &done, bytesOf(sealed), static_cast<int>(size)) == 1
            && EVP_CIPHER_CTX_ctrl(m_context.get(), EVP_CTRL_AEAD_SET_TAG, tagBytes, bytesOf(sealed) + size) == 1
            && EVP_DecryptFinal_ex(m_context.get(), bytesOf(*plain) + done, &done) == 1;
    }

private:
    bool begin(bool encrypts, const std::string &length)
    {
        std::array<unsigned char, nonceBytes> nonce{};
        for (size_t at = 0; at < 8; ++at)
            nonce[nonceBytes - 1 - at] = static_cast<unsigned char>(m_number >> (8 * at));
        ++m_number;
        const std::string bound = m_head + length;
        int size = 0;
        return EVP_CipherInit_ex(m_context.get(), EVP_aes_256_gcm(), nullptr, bytesOf(m_key.reveal()), nonce.data(), encrypts ? 1 : 0) == 1
            && EVP_CipherUpdate(m_context.get(), nullptr, &size, bytesOf(bound), static_cast<int>(bound.size())) == 1;
    }

    const Secret m_key;
    const std::string m_head;
    Context m_context;
    uint64_t m_number = 0;
};

struct Head
{
    std::string text; // all of it
    std::string id, sealedKey;
    int64_t firstSeq = 0;
};

// Leaves the file at the first frame. False: it is none of ours.
bool readHead(int from, Head *head)
{
    std::string text(mostOfHead, '\0');
    const ssize_t got = pread(from, text.data(), text.size(), 0);
    if (got < static_cast<ssize_t>(mark.size()))
        return false;
    text.resize(static_cast<size_t>(got));
    const size_t second = text.find('\n', mark.size()), third = second == text.npos ? text.npos : text.find('\n', second + 1);
    if (!text.starts_with(mark) || third == text.npos)
        return false;
    const size_t blank = text.find(' ', mark.size());
    if (blank > second)
        return false;
    head->id = text.substr(mark.size(), blank - mark.size());
    std::from_chars(text.data() + blank + 1, text.data() + second, head->firstSeq);
    head->sealedKey = text.substr(second + 1, third - second - 1);
    head->text = text.substr(0, third + 1);
    return head->firstSeq > 0 && lseek(from, static_cast<off_t>(third + 1), SEEK_SET) >= 0;
}

Error broken()
{
    return {ErrorKind::Invalid, "audit_file", "The encrypted audit log was changed, or its end is missing.", "file"};
}

} // namespace

bool encryptFile(int from, const std::string &target, unsigned mode, int64_t firstSeq, const KeyRing &keys)
{
    std::string problem;
    const int into = openOwned(target, O_WRONLY | O_CREAT | O_TRUNC, mode, &problem);
    if (into < 0)
        return false;
    fchmod(into, mode);
    char bytes[fileKeyBytes];
    randomBytes(bytes, sizeof bytes);
    const Secret key{std::string_view(bytes, sizeof bytes)};
    wipe(bytes, sizeof bytes);
    const std::string id = randomUuid();
    const std::string head = std::string(mark) + id + " " + std::to_string(firstSeq) + "\n" + keys.seal(key, "audit_file", id, "key") + "\n";
    Frames frames(key, head);
    bool good = writeAll(into, head);
    std::string plain(frameBytes, '\0'), frame;
    for (bool isLast = false; good && !isLast;) {
        const ssize_t got = readAll(from, plain.data(), frameBytes);
        isLast = got >= 0 && got < static_cast<ssize_t>(frameBytes);
        good = got >= 0 && frames.seal(std::string_view(plain).substr(0, static_cast<size_t>(got)), isLast, &frame) && writeAll(into, frame);
    }
    good = good && fsync(into) == 0;
    close(into);
    return good;
}

int64_t firstSeqOfEncrypted(int from)
{
    Head head;
    return readHead(from, &head) ? head.firstSeq : 0;
}

Outcome decryptFile(int from, int into, const KeyRing &keys)
{
    Head head;
    if (!readHead(from, &head))
        return Error{ErrorKind::Invalid, "audit_file", "This is no encrypted audit log.", "file"};
    const auto key = keys.unseal(head.sealedKey, "audit_file", head.id, "key");
    if (!key)
        return Error{ErrorKind::Invalid, "audit_file", "The encrypted audit log is of another installation: its key does not open here.", "file"};
    Frames frames(*key, head.text);
    std::string length(4, '\0'), sealed, plain;
    while (true) {
        if (readAll(from, length.data(), 4) != 4)
            return broken();
        uint32_t size = 0;
        for (const char c : length)
            size = size << 8 | static_cast<unsigned char>(c);
        const bool isLast = (size & lastFrame) != 0;
        size &= ~lastFrame;
        if (size > frameBytes)
            return broken();
        sealed.resize(size + tagBytes);
        if (readAll(from, sealed.data(), sealed.size()) != static_cast<ssize_t>(sealed.size()) || !frames.open(length, sealed, &plain))
            return broken();
        if (!writeAll(into, plain))
            return Error{ErrorKind::Unavailable, "audit_file", "What is decrypted cannot be written.", {}};
        if (isLast)
            return read(from, length.data(), 1) == 0 ? Outcome() : Outcome(broken());
    }
}

} // namespace llmproxy
