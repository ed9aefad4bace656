// SPDX-License-Identifier: GPL-3.0-only
// A path without the working directory: as it is named to a person, and for use. Thread: any.
#pragma once

#include <QDir>
#include <QFileInfo>

#include <filesystem>
#include <string>

namespace llmproxy {

// For a person. Without "." and ".."; links are not followed.
inline std::string absolutePath(const std::string &path)
{
    return QDir::cleanPath(QFileInfo(QString::fromStdString(path)).absoluteFilePath()).toStdString();
}

// The same to be opened, compared or kept: its bytes may be no UTF-8, and stay as they are.
inline std::string absoluteBytes(const std::string &path)
{
    std::error_code error;
    return std::filesystem::absolute(path, error).lexically_normal().string();
}

} // namespace llmproxy
