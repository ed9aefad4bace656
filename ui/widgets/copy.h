// SPDX-License-Identifier: GPL-3.0-only
// Copying. What is secret leaves the clipboard after a minute, unless something else was copied since, and is marked so that
// clipboard histories leave it out (KDE's x-kde-passwordManagerHint). Thread: GUI.
#pragma once

#include <QPushButton>

#include <functional>

namespace llmproxy::ui {

constexpr int clipboardKeepsSecretMs = 60'000;

void copyText(const QString &text);
void copySecret(const QString &text);
// Now, if it still holds what copySecret() put there; at the end of the program too.
void forgetCopiedSecret();
// While the watcher lives, what a person copies of the secret by other ways (keys, menu, selecting) is treated like copySecret();
// copied: told when it went to the clipboard, not to the selection.
void watchCopies(QObject *watcher, const QString &secret, const std::function<void()> &copied);

// "Copy", that says for a while that it did. secret: by copySecret().
QPushButton *copyButton(const QString &name, std::function<QString()> text, bool secret);

} // namespace llmproxy::ui
