// SPDX-License-Identifier: GPL-3.0-only
// Work that may wait for a disk or another machine, off the GUI thread. Thread: GUI.
#pragma once

#include <QCoreApplication>
#include <QPointer>
#include <QThreadPool>

namespace llmproxy::ui {

// Runs work on a pool's thread, and done with what it returns here afterwards, unless the receiver has gone by then.
template <typename Work, typename Done>
void apart(QObject *receiver, Work work, Done done)
{
    QThreadPool::globalInstance()->start([self = QPointer<QObject>(receiver), work = std::move(work), done = std::move(done)] {
        QMetaObject::invokeMethod(qApp, [self, done, result = work()] {
            if (self)
                done(result);
        }, Qt::QueuedConnection);
    });
}

} // namespace llmproxy::ui
