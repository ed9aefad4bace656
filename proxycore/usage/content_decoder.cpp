// SPDX-License-Identifier: GPL-3.0-only
#include "usage/content_decoder.h"

#include "base/ascii.h"

#include <brotli/decode.h>
#include <zlib.h>
#include <zstd.h>

#include <string>
#include <utility>

namespace llmproxy {

namespace {

constexpr size_t freeDecoded = 1024;
constexpr int zstdWindowLog = 23; // 8 MiB: what RFC 8878 section 3.1.1.1.2 says every decoder should take

constexpr int gzipOrZlib = 15 + 32, bare = -15; // zlib's windowBits: found by the first bytes; RFC 1951 without a wrapper

class ZlibDecoder : public ContentDecoder
{
public:
    explicit ZlibDecoder(bool isLenient) : ContentDecoder(isLenient), m_ready(inflateInit2(&m_stream, gzipOrZlib) == Z_OK) {}
    ~ZlibDecoder() override
    {
        if (m_ready)
            inflateEnd(&m_stream);
    }

protected:
    Step decode(std::string_view *coded, char *out, size_t space, size_t *made) override
    {
        if (!m_ready)
            return Step::Broken;
        m_stream.next_in = reinterpret_cast<Bytef *>(const_cast<char *>(coded->data()));
        m_stream.avail_in = static_cast<uInt>(coded->size());
        m_stream.next_out = reinterpret_cast<Bytef *>(out);
        m_stream.avail_out = static_cast<uInt>(space);
        const int code = inflate(&m_stream, Z_NO_FLUSH);
        coded->remove_prefix(coded->size() - m_stream.avail_in);
        *made = space - m_stream.avail_out;
        if (code == Z_STREAM_END)
            return Step::End;
        return code == Z_OK || code == Z_BUF_ERROR ? Step::More : Step::Broken;
    }

    bool begin(int windowBits) { return m_ready && inflateReset2(&m_stream, windowBits) == Z_OK; }
    bool beginMember() override { return begin(gzipOrZlib); }

private:
    z_stream m_stream{};
    bool m_ready;
};

// "deflate" is zlib's form (RFC 9110 section 8.4.1.2), and some servers send it without the wrapper. A wrapper's two bytes are a multiple of
// 31 with 8 in the low half of the first (RFC 1950 section 2.2).
class DeflateDecoder final : public ZlibDecoder
{
public:
    DeflateDecoder() : ZlibDecoder(true) {}

private:
    Step decode(std::string_view *coded, char *out, size_t space, size_t *made) override
    {
        while (m_isOpen && m_first.size() < 2 && !coded->empty()) {
            m_first += coded->front();
            coded->remove_prefix(1);
        }
        if (m_isOpen && m_first.size() < 2)
            return Step::More;
        if (std::exchange(m_isOpen, false)) {
            const int high = static_cast<unsigned char>(m_first[0]), low = static_cast<unsigned char>(m_first[1]);
            if (((high & 0x0f) != 8 || (high * 256 + low) % 31 != 0) && !begin(bare))
                return Step::Broken;
        }
        std::string_view held(m_first);
        if (held.empty())
            return ZlibDecoder::decode(coded, out, space, made);
        const Step step = ZlibDecoder::decode(&held, out, space, made);
        m_first.erase(0, m_first.size() - held.size());
        return step;
    }
    bool beginMember() override { return false; }

    std::string m_first; // not decoded yet
    bool m_isOpen = true; // which of the two it is
};

class BrotliDecoder final : public ContentDecoder
{
public:
    BrotliDecoder() : ContentDecoder(false), m_state(BrotliDecoderCreateInstance(nullptr, nullptr, nullptr)) {}
    ~BrotliDecoder() override { BrotliDecoderDestroyInstance(m_state); }

private:
    Step decode(std::string_view *coded, char *out, size_t space, size_t *made) override
    {
        if (!m_state)
            return Step::Broken;
        const auto *next = reinterpret_cast<const uint8_t *>(coded->data());
        auto *to = reinterpret_cast<uint8_t *>(out);
        size_t left = coded->size(), room = space;
        const BrotliDecoderResult result = BrotliDecoderDecompressStream(m_state, &left, &next, &room, &to, nullptr);
        coded->remove_prefix(coded->size() - left);
        *made = space - room;
        if (result == BROTLI_DECODER_RESULT_ERROR)
            return Step::Broken;
        return result == BROTLI_DECODER_RESULT_SUCCESS ? Step::End : Step::More;
    }

    BrotliDecoderState *m_state;
};

class ZstdDecoder final : public ContentDecoder
{
public:
    explicit ZstdDecoder(bool isLenient) : ContentDecoder(isLenient), m_stream(ZSTD_createDStream())
    { 
        ZSTD_DCtx_setParameter(m_stream, ZSTD_d_windowLogMax, zstdWindowLog);
    }
    ~ZstdDecoder() override { ZSTD_freeDStream(m_stream); }

private:
    Step decode(std::string_view *coded, char *out, size_t space, size_t *made) override
    {
        ZSTD_inBuffer in{coded->data(), coded->size(), 0};
        ZSTD_outBuffer to{out, space, 0};
        const size_t code = ZSTD_decompressStream(m_stream, &to, &in);
        coded->remove_prefix(in.pos);
        *made = to.pos;
        if (ZSTD_isError(code))
            return Step::Broken;
        return code == 0 ? Step::End : Step::More;
    }

    bool beginMember() override { return true; } // it begins the next frame by itself

    ZSTD_DStream *m_stream;
};

} // namespace

std::unique_ptr<ContentDecoder> ContentDecoder::ofRequest(std::string_view coding)
{
    if (equalsIgnoreCase(coding, "gzip") || equalsIgnoreCase(coding, "x-gzip") || equalsIgnoreCase(coding, "deflate"))
        return std::make_unique<ZlibDecoder>(false);
    if (equalsIgnoreCase(coding, "zstd"))
        return std::make_unique<ZstdDecoder>(false);
    return nullptr;
}

std::unique_ptr<ContentDecoder> ContentDecoder::ofAnswer(std::string_view coding)
{
    if (equalsIgnoreCase(coding, "gzip") || equalsIgnoreCase(coding, "x-gzip"))
        return std::make_unique<ZlibDecoder>(true);
    if (equalsIgnoreCase(coding, "deflate"))
        return std::make_unique<DeflateDecoder>();
    if (equalsIgnoreCase(coding, "br"))
        return std::make_unique<BrotliDecoder>();
    if (equalsIgnoreCase(coding, "zstd"))
        return std::make_unique<ZstdDecoder>(true);
    return nullptr;
}

bool ContentDecoder::feed(std::string_view coded, const Sink &sink)
{
    m_codedBytes += coded.size();
    char out[16 * 1024];
    while (!m_failed) {
        if (m_complete && coded.empty())
            break;
        if (m_complete && !(m_isLenient && beginMember())) {
            m_failed = true; // nothing hides behind the first member
            break;
        }
        size_t made = 0;
        const size_t before = coded.size();
        const Step step = decode(&coded, out, sizeof out, &made);
        m_complete = step == Step::End;
        m_decodedBytes += made;
        if (step == Step::Broken || m_decodedBytes > maxDecoded || m_decodedBytes > m_codedBytes * maxRatio + freeDecoded) {
            m_failed = true;
            break;
        }
        if (made > 0)
            sink({out, made});
        if (!m_complete && coded.empty() && made < sizeof out)
            break; // waits for more
        if (!m_complete && made == 0 && coded.size() == before)
            m_failed = true; // no progress: broken
    }
    return !m_failed;
}

} // namespace llmproxy
