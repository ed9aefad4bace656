// SPDX-License-Identifier: GPL-3.0-only
// A new token, shown this once: as itself and as what to paste. Used by the dialog after creating one and by the first run.
// Thread: GUI.
#pragma once

#include <QDialog>
#include <QJsonObject>
#include <QWidget>

class QCheckBox;
class QLabel;

namespace llmproxy::ui {

class TokenView final : public QWidget
{
    Q_OBJECT
public:
    TokenView(const QString &token, const QString &base, const QString &provider, QWidget *parent = nullptr);
    ~TokenView() override; // overwrites the token

Q_SIGNALS:
    void copied();

private:
    QString m_token;
};

// Does not close by accident: only once the token was copied, or the person says that it is saved.
class TokenDialog final : public QDialog
{
    Q_OBJECT
public:
    // token: the answer of creating or refreshing, with "token" in it.
    TokenDialog(const QJsonObject &token, const QString &base, const QString &provider, QWidget *parent);
    void reject() override;

private:
    void tickGrace();

    QCheckBox *m_saved;
    QLabel *m_grace = nullptr;
    QString m_graceUntil;
    bool m_kept = false;
};

} // namespace llmproxy::ui
