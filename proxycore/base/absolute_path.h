// SPDX-License-Identifier: GPL-3.0-only
// How a path is named to a person, who may not know the working directory. Thread: any.
#pragma once

#include <QDir>
#include <QFileInfo>

#include <string>

namespace llmproxy {

// Without "." and ".."; links are not followed.
inline std::string absolutePath(const std::string &path)
{
    return QDir::cleanPath(QFileInfo(QString::fromStdString(path)).absoluteFilePath()).toStdString();
}

} // namespace llmproxy
