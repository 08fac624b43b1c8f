"""How well redaction does on labelled lines, through the real collector, and how fast it is.

What the figures mean. All of them are counted on what arrived, after every cleaning stage of the rendered
configuration, in all fields of the record, its resource and its scope: values, names, schema addresses.

leak        a labelled value that can be read in what any sink got: as it is, in other case, percent-encoded, as
            \\uXXXX, as an HTML entity, with zero-width characters in it. Values below 8 characters count only where no
            letter or digit touches them.
leak rate   leaks / labels of the rule.
recall      labels whose value is not readable in a delivered record that bears a mask, or that an action of the policy
            removed, / labels of the rule. The mask may be another rule's (column "by another").
withheld    labels whose record went to quarantine, text withheld. No leak, and no success: they lower recall.
precision   of the masks of a rule (`[rule]`, `[rule:hex]`) that arrived, the share that covers a labelled value. The text
            that arrived is laid over the text that was sent; a mask covers a value where what stood in its place is that
            value, a part of it, or more than it, whichever rule made the mask. Otherwise it is an extra mask, counted
            against the rule that made it. Where the two texts cannot be laid over each other, a record's masks are set
            against its labelled occurrences, and only what is left over is extra. In a line without labels every mask is
            extra. A copy that the collector itself makes (event name, logger name) is counted once.
touched     a line without labels that did not arrive as it was: a mask in it, a text of it gone, withheld or dropped. What
            docs/logging-contract.md says of every line (time, severity, trace ids, flat names) is not a change.
gone        a text listed under `harmless` that can no longer be read, in lines with or without labels.
"""
