// SPDX-License-Identifier: GPL-3.0-only
// Looks through a content coding (RFC 9110 section 8.4.1) while the coded bytes pass by: gzip, deflate, br and
// zstd, under a cap, since a few bytes can unfold to many. Nothing here changes what is relayed.
// Thread: its request's.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string_view>

namespace llmproxy {

class ContentDecoder
{
public:
    using Sink = std::function<void(std::string_view)>;
    // Ruling 17: past these the content counts as unknown.
    static constexpr size_t maxDecoded = 8 << 20; // bytes
    static constexpr size_t maxRatio = 100;       // decoded to coded, counted from the first KiB on

    // Null: a coding that cannot be looked through, or several.
    // Of a request, whose rules are checked on what the provider will read: one member in one form (gzip, deflate in zlib's, zstd), so that
    // no two readers disagree.
    static std::unique_ptr<ContentDecoder> ofRequest(std::string_view coding);
    // Of an answer, whose usage is read: br, members and frames behind each other, and deflate without its wrapper, too.
    static std::unique_ptr<ContentDecoder> ofAnswer(std::string_view coding);
    virtual ~ContentDecoder() = default;

    // Decoded bytes go to sink. False, and from then on: broken, over the cap, or bytes behind the end.
    bool feed(std::string_view coded, const Sink &sink);
    // The coding's own end was seen, and nothing came behind it.
    bool isComplete() const { return m_complete && !m_failed; }

protected:
    explicit ContentDecoder(bool isLenient) : m_isLenient(isLenient) {}
    enum class Step { More, End, Broken };
    // Takes from the front of coded, gives decoded bytes to out.
    virtual Step decode(std::string_view *coded, char *out, size_t space, size_t *made) = 0;
    // Behind an end: false when nothing may come there.
    virtual bool beginMember() { return false; }

private:
    const bool m_isLenient;
    size_t m_codedBytes = 0, m_decodedBytes = 0;
    bool m_complete = false, m_failed = false;
};

} // namespace llmproxy
