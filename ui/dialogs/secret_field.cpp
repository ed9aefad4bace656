// SPDX-License-Identifier: GPL-3.0-only
#include "dialogs/secret_field.h"

#include "widgets/parts.h"

#include <QComboBox>
#include <QLineEdit>

namespace llmproxy::ui {

using namespace Qt::StringLiterals;

namespace {

enum Kind { Typed, Environment, File };

} // namespace

SecretField::SecretField(QWidget *parent) : QWidget(parent), m_kind(new QComboBox), m_edit(new QLineEdit)
{
    auto *row = new QHBoxLayout(this);
    row->setContentsMargins(0, 0, 0, 0);
    m_kind->addItems({tr("Key"), tr("Environment variable"), tr("File")});
    m_kind->setAccessibleName(tr("How the key is given"));
    m_edit->setAccessibleName(tr("Key"));
    m_kind->setSizePolicy(QSizePolicy::Maximum, QSizePolicy::Fixed);
    row->addWidget(m_kind);
    row->addWidget(m_edit, 1);
    m_edit->setContextMenuPolicy(Qt::DefaultContextMenu);
    connect(m_kind, &QComboBox::currentIndexChanged, this, &SecretField::chooseKind);
    connect(m_edit, &QLineEdit::textChanged, this, &SecretField::changed);
    chooseKind(Typed);
}

SecretField::~SecretField()
{
    clear();
}

void SecretField::clear()
{
    m_edit->setText(QString(m_edit->text().size(), u'*'));
    m_edit->setText({}); // not clear(): that can be undone
}

void SecretField::setPlaceholder(const QString &text)
{
    m_placeholder = text;
    chooseKind(m_kind->currentIndex());
}

void SecretField::chooseKind(int kind)
{
    clear(); // before it can be read
    m_edit->setEchoMode(kind == Typed ? QLineEdit::Password : QLineEdit::Normal);
    m_edit->setPlaceholderText(kind == Environment ? u"OPENAI_API_KEY"_s
                               : kind == File      ? tr("/run/secrets/openai, read when it is used")
                               : m_placeholder.isEmpty() ? tr("Paste the key; it is never shown again")
                                                         : m_placeholder);
    Q_EMIT changed();
}

// Not a focus proxy: Tab would pass the box with the kinds.
void SecretField::focusInEvent(QFocusEvent *)
{
    m_edit->setFocus();
}

bool SecretField::isEmpty() const
{
    return m_edit->text().trimmed().isEmpty();
}

bool SecretField::isReference() const
{
    const QString text = value();
    return text.startsWith("env:"_L1) || text.startsWith("file:"_L1);
}

QString SecretField::value() const
{
    const QString text = m_edit->text().trimmed();
    if (text.isEmpty())
        return {};
    switch (m_kind->currentIndex()) {
    case Environment:
        return text.startsWith("env:"_L1) ? text : u"env:"_s + text;
    case File:
        return text.startsWith("file:"_L1) ? text : u"file:"_s + text;
    default:
        return text;
    }
}

} // namespace llmproxy::ui
