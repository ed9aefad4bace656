// SPDX-License-Identifier: GPL-3.0-only
// One console for a data directory: a second one raises the first and ends. Thread: GUI.
#pragma once

#include <QLocalServer>
#include <QString>

#include <functional>

namespace llmproxy::ui {

class SingleInstance final
{
public:
    explicit SingleInstance(const QString &dataDir);
    // True: another console is there, and was asked to show itself.
    bool raiseOther() const;
    void listen(const std::function<void()> &raise);

private:
    QString m_path;
    QLocalServer m_server;
};

} // namespace llmproxy::ui
