// SPDX-License-Identifier: GPL-3.0-only
#include "audit/line_reader.h"

#include "audit/file_reader.h"
#include "audit/verify.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

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

} // namespace

LineReader::LineReader(int fd) : m_file(fd < 0 ? nullptr : gzdopen(fd, "rb"), gzclose), m_failed(!m_file), m_error(fd < 0 ? errno : 0)
{
    if (m_file)
        gzbuffer(m_file.get(), windowBytes);
}

bool LineReader::fill()
{
    m_text.erase(0, m_at);
    m_at = 0;
    const size_t before = m_text.size();
    m_text.resize(before + windowBytes);
    const int got = m_file ? gzread(m_file.get(), m_text.data() + before, windowBytes) : -1;
    m_text.resize(before + static_cast<size_t>(std::max(got, 0)));
    if (got > 0)
        return true;
    const int error = errno;
    int state = Z_OK;
    if (m_file)
        gzerror(m_file.get(), &state);
    // A compressed file that was cut off ends like any other, but for this state.
    m_failed = got < 0 || gzeof(m_file.get()) == 0 || state != Z_OK;
    m_error = state == Z_ERRNO ? error : m_error;
    return false;
}

std::string LineReader::problem() const
{
    if (m_error != 0)
        return std::strerror(m_error);
    int state = Z_OK;
    if (m_file)
        gzerror(m_file.get(), &state);
    return state == Z_BUF_ERROR ? "its end is missing" : state == Z_DATA_ERROR ? "it is damaged" : "it cannot be opened";
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
