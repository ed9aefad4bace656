// SPDX-License-Identifier: GPL-3.0-only
#include "widgets/copy.h"

#include "widgets/parts.h"

#include <QClipboard>
#include <QCoreApplication>
#include <QCryptographicHash>
#include <QGuiApplication>
#include <QMimeData>
#include <QPointer>
#include <QTimer>

namespace llmproxy::ui {

using namespace Qt::StringLiterals;

namespace {

struct Copy
{
    Q_DECLARE_TR_FUNCTIONS(Copy)
};

// Only digests are kept: the secret itself is nowhere but in the clipboard and, when it was selected, in the selection.
QByteArray &copiedDigest(QClipboard::Mode mode)
{
    static QByteArray clipboard, selection;
    return mode == QClipboard::Clipboard ? clipboard : selection;
}

QTimer &forgetting()
{
    static QPointer<QTimer> timer;
    if (!timer) {
        timer = new QTimer(qApp);
        timer->setSingleShot(true);
        timer->callOnTimeout(timer, forgetCopiedSecret);
    }
    return *timer;
}

QByteArray digestOf(const QString &text)
{
    return QCryptographicHash::hash(text.toUtf8(), QCryptographicHash::Sha256);
}

} // namespace

void copyText(const QString &text)
{
    QGuiApplication::clipboard()->setText(text);
}

void copySecret(const QString &text)
{
    auto *data = new QMimeData;
    data->setText(text);
    data->setData(u"x-kde-passwordManagerHint"_s, "secret");
    copiedDigest(QClipboard::Clipboard) = digestOf(text);
    QGuiApplication::clipboard()->setMimeData(data);
    forgetting().start(clipboardKeepsSecretMs); // of the last one: an earlier copy's minute is not its
}

void watchCopies(QObject *watcher, const QString &secret, const std::function<void()> &copied)
{
    QClipboard *clipboard = QGuiApplication::clipboard();
    QObject::connect(clipboard, &QClipboard::changed, watcher, [clipboard, secret, copied](QClipboard::Mode mode) {
        // Another program's is not ours to read, and takes time. X11 alone tells whose it is.
        const bool isOurs = mode == QClipboard::Clipboard ? clipboard->ownsClipboard() : clipboard->ownsSelection();
        if (mode == QClipboard::FindBuffer || (!isOurs && QGuiApplication::platformName() == "xcb"_L1))
            return;
        const QString text = clipboard->text(mode);
        if (!text.contains(secret) || digestOf(text) == copiedDigest(mode))
            return;
        if (mode == QClipboard::Clipboard) {
            copySecret(text);
            copied();
            return;
        }
        copiedDigest(mode) = digestOf(text);
        forgetting().start(clipboardKeepsSecretMs);
    });
}

void forgetCopiedSecret()
{
    QClipboard *clipboard = QGuiApplication::clipboard();
    for (const QClipboard::Mode mode : {QClipboard::Clipboard, QClipboard::Selection}) {
        QByteArray &digest = copiedDigest(mode);
        if (!digest.isEmpty() && digestOf(clipboard->text(mode)) == digest)
            clipboard->clear(mode);
        digest.clear();
    }
}

QPushButton *copyButton(const QString &name, std::function<QString()> text, bool secret)
{
    QPushButton *made = button(name, u"copy"_s);
    QObject::connect(made, &QPushButton::clicked, made, [made, name, text = std::move(text), secret] {
        secret ? copySecret(text()) : copyText(text());
        made->setText(secret ? Copy::tr("Copied for a minute") : Copy::tr("Copied"));
        QTimer::singleShot(2'000, made, [made, name] { made->setText(name); });
    });
    return made;
}

} // namespace llmproxy::ui
