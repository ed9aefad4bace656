// SPDX-License-Identifier: GPL-3.0-only
#include "text_width.h"

#include <clocale>
#include <cwchar>

namespace llmproxy {

namespace {

// The C library's table of Unicode, whatever the language of the terminal is.
class UnicodeTable
{
public:
    UnicodeTable() : m_locale(newlocale(LC_CTYPE_MASK, "C.UTF-8", nullptr)) {}
    ~UnicodeTable()
    {
        if (m_locale)
            freelocale(m_locale);
    }
    UnicodeTable(const UnicodeTable &) = delete;
    UnicodeTable &operator=(const UnicodeTable &) = delete;

    qsizetype columns(const QString &text) const
    {
        const locale_t before = m_locale ? uselocale(m_locale) : nullptr;
        qsizetype columns = 0;
        for (const uint c : text.toUcs4()) {
            const int width = wcwidth(static_cast<wchar_t>(c));
            columns += width < 0 ? 1 : width;
        }
        if (before)
            uselocale(before);
        return columns;
    }

private:
    const locale_t m_locale;
};

} // namespace

qsizetype columnsOf(const QString &text)
{
    static const UnicodeTable table;
    return table.columns(text);
}

QString paddedTo(const QString &text, qsizetype columns)
{
    return text + QString(std::max(qsizetype{0}, columns - columnsOf(text)), QLatin1Char(' '));
}

} // namespace llmproxy
