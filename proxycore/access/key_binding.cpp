// SPDX-License-Identifier: GPL-3.0-only
#include "access/key_binding.h"

namespace llmproxy {

namespace {

// What is sealed is never empty.
constexpr std::string_view prefix = "url:";

// Of this very key: the binding of another one does not fit.
std::string bindingField(const ProviderKey &key)
{
    return key.provider.toStdString() + ".key_url:" + (key.reference.isEmpty() ? key.sealedKey : key.reference).toStdString();
}

} // namespace

void bindKey(ProviderKey &key, const QString &projectId, const KeyRing &keys)
{
    key.sealedUrl.clear();
    if (hasKey(key))
        key.sealedUrl = QString::fromStdString(keys.seal(Secret(std::string(prefix) + key.baseUrl.toStdString()), "project", projectId.toStdString(), bindingField(key)));
}

std::optional<std::string> boundUrlOf(const ProviderKey &key, const QString &projectId, const KeyRing &keys)
{
    if (key.sealedUrl.isEmpty())
        return {};
    const auto opened = keys.unseal(key.sealedUrl.toStdString(), "project", projectId.toStdString(), bindingField(key));
    if (!opened || !opened->reveal().starts_with(prefix))
        return {};
    return std::string(opened->reveal().substr(prefix.size()));
}

} // namespace llmproxy
