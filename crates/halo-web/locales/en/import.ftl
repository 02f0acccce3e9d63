# Bringing in what Halo, ChatGPT and Claude export.

import-about = A JSON file that Halo exported, or the ZIP (or its conversations.json) that ChatGPT or Claude sent you. What is here already is not added twice, and nothing here is overwritten.
import-how = Where ChatGPT and Claude give you your conversations
import-how-chatgpt = ChatGPT: Settings → Data controls → Export data. A mail brings a link to a ZIP; give that ZIP to Halo as it is.
import-how-claude = Claude: Settings → Privacy → Export data. A mail brings a link to a ZIP; give that ZIP to Halo as it is.
import-how-what = Messages, versions, thoughts and the pictures in the file come in. The next message goes to the model that you choose here. Custom instructions and hidden messages stay out.
import-messages = Messages added: { $count }.
import-skipped = Conversations that could not be read and were skipped: { $count }.
import-skipped-list = These could not be read. The others came in:
import-nth = No. { $count } in the file
import-not-an-export = This file is no export of Halo, ChatGPT or Claude. Nothing was imported.
import-package = This ZIP is damaged or was not downloaded whole. Download it again. Nothing was imported.
import-too-large = This ZIP unpacks to more than Halo takes. Unpack it yourself and import its conversations.json. Nothing was imported.
