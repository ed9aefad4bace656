// SPDX-License-Identifier: GPL-3.0-only
// The folders and files that the command of `llm-proxy run` does not see, found where they really lie. Thread: main.
#pragma once

#include "config/own_places.h"
#include "mount_aliases.h"

#include <set>
#include <string>
#include <sys/types.h>
#include <vector>

namespace llmproxy {

class HiddenPaths
{
public:
    // What is not there, or cannot be reached by a process without capabilities, needs no hiding and is left out.
    void add(const OwnPlace &place) { addPlace(place, true); }
    // These are not named in the summary: of the session, and of the system.
    void addFolder(const std::string &path, const std::string &what) { addPlace({path, OwnPlace::Kind::Folder, what}, false); }
    void addFile(const std::string &path, const std::string &what) { addPlace({path, OwnPlace::Kind::File, what}, false); }

    // When all are added: a folder with files of a kind that is made anew (logs, a database's) and nothing else but hidden files is
    // hidden whole, so that those made later are hidden, too. The working directory is not.
    void hideWholeFolders(const std::string &workingDirectory);

    // Where the same can be seen at another mount.
    void addAliases(const std::vector<MountedPlace> &mounts);

    // Without those that lie below a hidden folder.
    std::vector<std::string> folders() const;
    std::vector<std::string> files() const;
    std::vector<std::string> remade() const;        // how names begin of files that are renamed and made anew, with their folder
    std::vector<std::string> markedFolders() const; // those with a mark in them, of add()
    bool covers(const std::string &path) const; // it lies in or is a hidden folder; path: absolute, without links
    // The hidden folder that path is or lies in, "/x/data (data directory)"; empty: none.
    std::string folderOf(const std::string &path) const;
    std::vector<std::string> withOtherNames() const; // files with hard links, which cannot be found
    // Removes what bubblewrap made in place of a file that went between the look and its mount: an empty file, not there before.
    void removeMade() const;
    // "data directory /x/data, .env /x/.env": of what add() was given, the first.
    std::string summary() const;

private:
    struct Entry
    {
        std::string path, what;
        bool isNamed = false;
        bool isRemade = false; // renamed and made anew by us
        ino_t inode = 0;       // of a file, when it was looked at
    };
    void addPlace(const OwnPlace &place, bool isNamed);
    static void addEntry(std::vector<Entry> &entries, Entry entry);
    void addSiblings(const std::string &path, const std::string &what);
    std::vector<Entry> m_folders, m_files;
    std::vector<std::string> m_remade;
};

// Where the path leads, links resolved; empty when nothing is there or a process of our user without capabilities cannot get there.
std::string reachablePath(const std::string &path);

// We are root, whose capabilities the command does not have, and without them root cannot write in this folder.
bool isClosedToRootsCommand(const std::string &folder);

} // namespace llmproxy
