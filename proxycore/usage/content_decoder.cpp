// SPDX-License-Identifier: GPL-3.0-only
#include "usage/content_decoder.h"

#include "base/ascii.h"

#include <zlib.h>
#include <zstd.h>

namespace llmproxy {

namespace {

constexpr size_t freeDecoded = 1024;
constexpr int zstdWindowLog = 23; // 8 MiB: what RFC 8878 section 3.1.1.1.2 says every decoder should take

class ZlibDecoder final : public ContentDecoder
{
public:
    ZlibDecoder() { m_ready = inflateInit2(&m_stream, 15 + 32) == Z_OK; } // finds gzip or zlib by itself
    ~ZlibDecoder() override
    {
        if (m_ready)
            inflateEnd(&m_stream);
    }

private:
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

    z_stream m_stream{};
    bool m_ready = false;
};

class ZstdDecoder final : public ContentDecoder
{
public:
    ZstdDecoder() : m_stream(ZSTD_createDStream()) { ZSTD_DCtx_setParameter(m_stream, ZSTD_d_windowLogMax, zstdWindowLog); }
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

    ZSTD_DStream *m_stream;
};

} // namespace

std::unique_ptr<ContentDecoder> ContentDecoder::create(std::string_view coding)
{
    if (equalsIgnoreCase(coding, "gzip") || equalsIgnoreCase(coding, "x-gzip") || equalsIgnoreCase(coding, "deflate"))
        return std::make_unique<ZlibDecoder>();
    if (equalsIgnoreCase(coding, "zstd"))
        return std::make_unique<ZstdDecoder>();
    return nullptr;
}

bool ContentDecoder::feed(std::string_view coded, const Sink &sink)
{
    m_codedBytes += coded.size();
    char out[16 * 1024];
    while (!m_failed) {
        if (m_complete) {
            m_failed = !coded.empty(); // nothing hides behind the first member
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
