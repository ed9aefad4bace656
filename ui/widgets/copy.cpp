// SPDX-License-Identifier: GPL-3.0-only
#include "widgets/copy.h"

#include "widgets/parts.h"

#include <QClipboard>
#include <QCoreApplication>
#include <QCryptographicHash>
#include <QGuiApplication>
#include <QMimeData>
#include <QTimer>

namespace llmproxy::ui {

using namespace Qt::StringLiterals;

namespace {

struct Copy
{
    Q_DECLARE_TR_FUNCTIONS(Copy)
};

// Only its digest is kept: the secret itself is nowhere but in the clipboard.
QByteArray &copiedDigest()
{
    static QByteArray digest;
    return digest;
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
    copiedDigest() = digestOf(text);
    QGuiApplication::clipboard()->setMimeData(data);
    QTimer::singleShot(clipboardKeepsSecretMs, qApp, forgetCopiedSecret);
}

void forgetCopiedSecret()
{
    QClipboard *clipboard = QGuiApplication::clipboard();
    if (copiedDigest().isEmpty() || digestOf(clipboard->text()) != copiedDigest())
        return;
    copiedDigest().clear();
    clipboard->clear();
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
