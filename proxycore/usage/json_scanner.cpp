// SPDX-License-Identifier: GPL-3.0-only
#include "usage/json_scanner.h"

#include <algorithm>
#include <cstring>

namespace llmproxy {

namespace {

constexpr size_t maxCapture = 4096;
constexpr size_t maxName = 64;

// How many bytes from at on can only be the inside of a number or word; looked at one by one they took a twentieth of a request.
size_t scalarRun(std::string_view bytes, size_t at)
{
    const auto isInside = [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '.' || c == '-' || c == '+'; };
    size_t end = at;
    while (end < bytes.size() && isInside(bytes[end]))
        ++end;
    return end - at;
}

} // namespace

JsonPaths::JsonPaths()
{
    m_nodes.emplace_back();
    m_nodes.front().elements = 0;
}

int JsonPaths::member(int of, std::string_view name) const
{
    for (const int child : node(of).members) {
        if (node(child).name == name)
            return child;
    }
    return -1;
}

int JsonPaths::childOf(int at, std::string_view name)
{
    const int known = name.empty() ? node(at).elements : member(at, name);
    if (known >= 0)
        return known;
    const int made = static_cast<int>(m_nodes.size());
    m_nodes.push_back({std::string(name)});
    Node &parent = m_nodes[static_cast<size_t>(at)];
    if (name.empty())
        parent.elements = made;
    else
        parent.members.push_back(made);
    return made;
}

void JsonPaths::add(std::string_view path, int id, Take take)
{
    int at = 0;
    while (!path.empty()) {
        const std::string_view step = path.substr(0, path.find('.'));
        path.remove_prefix(std::min(step.size() + 1, path.size()));
        at = childOf(at, step.substr(0, step.find('[')));
        if (step.ends_with("[]"))
            at = childOf(at, {});
    }
    Node &node = m_nodes[static_cast<size_t>(at)];
    if (node.id < 0) {
        node.id = id;
        node.take = take;
    }
}

void JsonScanner::reset()
{
    m_depth = 0;
    m_capture.clear();
    m_skipped = 0;
    m_member = m_captured = -1;
    m_inString = m_escaped = m_nameExpected = m_inScalar = m_overflow = false;
}

int JsonScanner::current() const
{
    if (m_depth == 0)
        return 0;
    if (m_nameExpected)
        return -1;
    return level().isObject ? m_member : m_paths.node(level().node).elements;
}

void JsonScanner::beginCapture(int node)
{
    m_capture.clear();
    m_overflow = false;
    m_captured = node;
}

void JsonScanner::endCapture()
{
    const int node = std::exchange(m_captured, -1);
    m_inScalar = false;
    if (!m_overflow)
        m_found(m_paths.node(node).id, m_capture);
}

void JsonScanner::keep(std::string_view bytes)
{
    const size_t room = maxCapture - std::min(m_capture.size(), maxCapture);
    m_overflow = m_overflow || bytes.size() > room;
    m_capture.append(bytes.data(), std::min(bytes.size(), room));
}

void JsonScanner::beginString()
{
    m_inString = true;
    m_escaped = false;
    const int node = m_skipped > 0 ? -1 : current();
    if (m_skipped > 0) {
        m_text = m_captured >= 0 ? Text::Inside : Text::Other;
    } else if (m_nameExpected) {
        m_text = Text::Name;
        m_name.clear();
    } else if (takes(node, JsonPaths::Take::Value)) {
        m_text = Text::Value;
        beginCapture(node);
    } else if (takes(node, JsonPaths::Take::Pieces)) {
        m_text = Text::Pieces;
        m_captured = node;
    } else {
        m_text = Text::Other;
    }
}

void JsonScanner::onText(std::string_view part)
{
    if (m_text == Text::Name)
        m_name.append(part.substr(0, maxName - std::min(m_name.size(), maxName)));
    else if (m_text == Text::Value)
        keep(part);
    else if (m_text == Text::Pieces && !part.empty())
        m_found(m_paths.node(m_captured).id, part);
}

void JsonScanner::onStringEnd()
{
    m_inString = false;
    if (m_text == Text::Name) {
        m_nameExpected = false;
        m_member = m_paths.member(level().node, m_name);
    } else if (m_text == Text::Value) {
        endCapture();
    } else if (m_text == Text::Pieces) {
        m_captured = -1;
    }
}

// Inside a string, the long way of every request: on to what can end it. Returns where to go on.
size_t JsonScanner::feedString(std::string_view bytes, size_t at, size_t *quote)
{
    size_t end = at;
    if (m_escaped) {
        m_escaped = false;
        ++end;
    }
    end = std::min(end, bytes.size());
    // Two searches of the whole rest run 30 bytes at a time; a loop over both characters runs one.
    // The quote is searched once, not again behind each backslash before it.
    if (*quote < end || *quote == std::string_view::npos)
        *quote = std::min(bytes.find('"', end), bytes.size());
    const size_t most = *quote;
    const auto *backslash = static_cast<const char *>(memchr(bytes.data() + end, '\\', most - end));
    end = backslash ? static_cast<size_t>(backslash - bytes.data()) : most;
    const bool ends = end < bytes.size() && bytes[end] == '"';
    m_escaped = end < bytes.size() && !ends;
    const size_t behind = std::min(end + 1, bytes.size());
    if (m_text == Text::Inside)
        keep(bytes.substr(at, behind - at));
    else if (m_text != Text::Other)
        onText(bytes.substr(at, (ends ? end : behind) - at));
    if (ends)
        onStringEnd();
    return behind;
}

void JsonScanner::onScalar(std::string_view bytes)
{
    if (m_skipped > 0) {
        if (m_captured >= 0)
            keep(bytes);
        return;
    }
    if (!m_inScalar) {
        const int node = current();
        if (m_depth == 0 || !takes(node, JsonPaths::Take::Value))
            return;
        beginCapture(node);
        m_inScalar = true;
    }
    keep(bytes);
}

void JsonScanner::openContainer(char c)
{
    const int node = m_skipped > 0 ? -1 : current();
    if (m_skipped > 0) {
        ++m_skipped;
    } else if (takes(node, JsonPaths::Take::List)) {
        beginCapture(node);
        keep({&c, 1});
        m_skipped = 1;
    } else if (node >= 0 && m_depth < m_levels.size() && (c == '{' ? !m_paths.node(node).members.empty() : m_paths.node(node).elements >= 0)) {
        m_levels[m_depth++] = {node, c == '{'};
        m_nameExpected = c == '{';
    } else {
        m_skipped = 1;
    }
}

void JsonScanner::closeContainer()
{
    if (m_skipped > 0) {
        if (--m_skipped == 0 && m_captured >= 0)
            endCapture();
        return;
    }
    m_nameExpected = false;
    if (m_depth > 1) {
        --m_depth;
    } else {
        reset();
        m_found(documentEnd, {});
    }
}

void JsonScanner::onSign(char c)
{
    if (m_skipped > 0 && m_captured >= 0)
        keep({&c, 1});
    switch (c) {
    case '"':
        beginString();
        break;
    case '{':
    case '[':
        openContainer(c);
        break;
    case '}':
    case ']':
        closeContainer();
        break;
    case ',':
        m_nameExpected = m_skipped == 0 && m_depth > 0 && level().isObject;
        break;
    default:
        break;
    }
}

void JsonScanner::feed(std::string_view bytes)
{
    size_t quote = std::string_view::npos;
    for (size_t i = 0; i < bytes.size(); ++i) {
        if (m_inString) {
            i = feedString(bytes, i, &quote) - 1;
            continue;
        }
        if (const size_t run = scalarRun(bytes, i); run > 0) {
            onScalar(bytes.substr(i, run));
            i += run - 1;
            continue;
        }
        const char c = bytes[i];
        if (m_inScalar) {
            if (c == ',' || c == '}' || c == ']' || c <= ' ') {
                endCapture(); // a number or word ended
            } else {
                keep({&c, 1});
                continue;
            }
        }
        onSign(c);
    }
}

} // namespace llmproxy
