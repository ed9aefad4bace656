// SPDX-License-Identifier: GPL-3.0-only
#include "audit/line_reader.h"

#include "audit/file_reader.h"
#include "audit/verify.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <unistd.h>

namespace llmproxy {

namespace {

constexpr unsigned windowBytes = 256 * 1024;
constexpr size_t mostOfLine = 1 << 20; // a target may have 8 KiB, and nothing else in an event is as long
// Below this, reading on is cheaper than looking for a better place.
constexpr int64_t nearBytes = 64 * 1024;

// The seq of the first line of ours in a text from a place on.
std::optional<int64_t> firstSeq(std::string_view text, size_t at)
{
    for (size_t end; (end = text.find('\n', at)) != std::string_view::npos; at = end + 1) {
        if (const auto line = readChainedLine(text.substr(at, end - at)))
            return line->seq;
    }
    return {};
}

// Of the first one that begins behind a place in a file; nothing when none does within a window.
std::optional<int64_t> seqBehind(int fd, int64_t from, int64_t size)
{
    const std::string text = readRange(fd, from, std::min<int64_t>(nearBytes, size - from));
    const size_t newline = text.find('\n');
    return newline == std::string::npos ? std::nullopt : firstSeq(text, newline + 1);
}

constexpr std::string_view gzipBegin = "\x1f\x8b";

void endStream(z_stream *stream)
{
    if (stream)
        inflateEnd(stream);
    delete stream;
}

// For a member of gzip; null: no memory.
z_stream *newStream()
{
    auto stream = std::make_unique<z_stream>();
    constexpr int gzip = 15 + 16; // as zlib.h says of inflateInit2()
    return inflateInit2(stream.get(), gzip) == Z_OK ? stream.release() : nullptr;
}

} // namespace

std::shared_ptr<const int> holdDescriptor(int fd)
{
    if (fd < 0)
        return nullptr;
    return {new int(fd), [](const int *held) {
        close(*held);
        delete held;
    }};
}

LineReader::LineReader(int fd) : m_file(holdDescriptor(fd)), m_stream(nullptr, endStream), m_failed(!m_file), m_error(fd < 0 ? errno : 0)
{
}

bool LineReader::fail(const char *why)
{
    m_failed = true;
    m_why = why;
    return false;
}

bool LineReader::read()
{
    const size_t before = m_input.size();
    m_input.resize(before + windowBytes);
    ssize_t got = -1;
    do
        got = ::read(*m_file, m_input.data() + before, windowBytes);
    while (got < 0 && errno == EINTR);
    m_input.resize(before + static_cast<size_t>(std::max<ssize_t>(got, 0)));
    if (got < 0) {
        m_error = errno;
        m_failed = true;
    }
    return got > 0;
}

bool LineReader::fill()
{
    m_text.erase(0, m_at);
    m_at = 0;
    if (m_failed)
        return false;
    if (m_isAtStart) {
        m_isAtStart = false;
        while (m_input.size() < gzipBegin.size() && read()) { }
        m_isCompressed = m_input.starts_with(gzipBegin);
    }
    if (m_isCompressed)
        return inflateMore();
    if (m_input.empty() && !read())
        return false;
    m_text += m_input;
    m_input.clear();
    return true;
}

// More text, of this member or the next.
bool LineReader::inflateMore()
{
    while (!m_failed) {
        if (m_input.empty() && !read())
            return m_isMember && !m_failed ? fail("its end is missing") : false;
        if (!m_isMember) {
            m_stream.reset(newStream());
            if (!m_stream)
                return fail("there is not enough memory to decompress it");
            m_isMember = true;
        }
        const size_t before = m_text.size();
        m_text.resize(before + windowBytes);
        m_stream->next_in = reinterpret_cast<Bytef *>(m_input.data());
        m_stream->avail_in = static_cast<uInt>(m_input.size());
        m_stream->next_out = reinterpret_cast<Bytef *>(m_text.data() + before);
        m_stream->avail_out = windowBytes;
        const int state = inflate(m_stream.get(), Z_NO_FLUSH);
        m_text.resize(before + windowBytes - m_stream->avail_out);
        m_input.erase(0, m_input.size() - m_stream->avail_in);
        if (state != Z_OK && state != Z_STREAM_END && state != Z_BUF_ERROR)
            return fail("it is damaged");
        m_isMember = state != Z_STREAM_END;
        if (m_text.size() > before)
            return true;
    }
    return false;
}

std::string LineReader::problem() const
{
    return m_error != 0 ? std::strerror(m_error) : m_why;
}

bool LineReader::next(std::string_view *line)
{
    size_t searched = m_at;
    while (true) {
        const size_t end = m_text.find('\n', searched);
        if (end != std::string::npos) {
            *line = std::string_view(m_text).substr(m_at, end - m_at);
            m_at = end + 1;
            return true;
        }
        if (m_text.size() - m_at > mostOfLine) {
            *line = std::string_view(m_text).substr(m_at);
            m_at = m_text.size();
            return true;
        }
        searched = m_text.size() - m_at;
        if (!fill())
            return false;
    }
}

std::optional<int64_t> firstSeqIn(int fd)
{
    return firstSeq(readRange(fd, 0, nearBytes), 0);
}

int64_t offsetAfterSeq(int fd, int64_t size, int64_t seq)
{
    // Every line that begins at or before low has a seq that is not higher, as far as anybody can tell.
    int64_t low = 0, high = size;
    while (high - low > nearBytes) {
        const int64_t middle = low + (high - low) / 2;
        const auto found = seqBehind(fd, middle, size);
        if (found && *found <= seq)
            low = middle;
        else
            high = middle;
    }
    if (low == 0)
        return 0;
    const std::string text = readRange(fd, low, std::min<int64_t>(nearBytes, size - low));
    return low + static_cast<int64_t>(std::min(text.find('\n'), text.size() - 1)) + 1;
}

} // namespace llmproxy
