// SPDX-License-Identifier: GPL-3.0-only
// Finds values by their path while JSON streams by, without keeping the document. Bytes are neither copied nor changed; only a value
// that is wanted is kept (at most 4 KiB, larger ones are not told). Documents may follow each other (NDJSON), and a list around them
// (Gemini's streams) is not part of a path. Thread: JsonPaths: any, once made; JsonScanner: its request's.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace llmproxy {

class JsonPaths
{
public:
    enum class Take : uint8_t {
        Nothing,
        Value,  // a string (without quotes, escapes untouched), a number or a word
        List,   // an object or a list as written, with its brackets
        Pieces, // a string, in parts as it arrives
    };
    struct Node
    {
        std::string name;
        std::vector<int> members = {};
        int elements = -1; // the node of a list's elements
        int id = -1;
        Take take = Take::Nothing;
    };

    JsonPaths();
    // "usage.prompt_tokens"; "choices[].delta.content": of each element. The text must not be empty. Adding a path again keeps its first id.
    void add(std::string_view path, int id, Take take);
    const Node &node(int at) const { return m_nodes[static_cast<size_t>(at)]; }
    int member(int of, std::string_view name) const; // -1: not on any path

private:
    int childOf(int at, std::string_view name);
    std::vector<Node> m_nodes; // the first is a document
};

class JsonScanner
{
public:
    static constexpr int documentEnd = -1; // told as an id: the outermost container has closed
    using Found = std::function<void(int id, std::string_view raw)>;
    // paths must outlive it: a constant.
    JsonScanner(const JsonPaths &paths, Found found) : m_paths(paths), m_found(std::move(found)) {}

    void feed(std::string_view bytes);
    void reset(); // a new document begins

private:
    enum class Text : uint8_t { Other, Name, Value, Inside, Pieces };
    struct Level
    {
        int node;
        bool isObject;
    };
    size_t feedString(std::string_view bytes, size_t at, size_t *quote);
    void onText(std::string_view part);
    void keep(std::string_view bytes);
    void onScalar(std::string_view bytes);
    void onSign(char c);
    void beginString();
    void onStringEnd();
    void openContainer(char c);
    void closeContainer();
    void beginCapture(int node);
    void endCapture();
    const Level &level() const { return m_levels[m_depth - 1]; }
    int current() const; // node of the value that begins here, or -1
    bool takes(int node, JsonPaths::Take take) const { return node >= 0 && m_paths.node(node).take == take; }

    const JsonPaths &m_paths;
    Found m_found;
    std::array<Level, 16> m_levels; // of containers on a path; no path is that long, lists in lists around a document could be
    size_t m_depth = 0;
    std::string m_name;          // of a member, while it is read
    std::string m_capture;
    int64_t m_skipped = 0;       // containers below the last level
    int m_member = -1;           // node of the last member name
    int m_captured = -1;         // node of what is kept
    Text m_text = Text::Other;   // what the string is
    bool m_inString = false, m_escaped = false;
    bool m_nameExpected = false; // the next string is a member name
    bool m_inScalar = false;     // a number or word is kept
    bool m_overflow = false;
};

} // namespace llmproxy
