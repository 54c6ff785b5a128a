// Log lines that may break a page, a terminal or a decoder. Bytes, since not all are UTF-8.

// Numbered, so that a test can look for each.
export function hostileLog() {
  const entries = {
    colours: "\u001b[31mred\u001b[0m \u001b[1;38;5;208morange\u001b[0m \u001b[48;2;0;90;200mblue ground\u001b[0m",
    "screen control": "before\u001b[2J\u001b[H\u001b[?25l\u001b[10Aafter",
    "window title": "\u001b]0;owned\u0007 \u001b]2;owned\u001b\\",
    "colour never reset": "\u001b[7;5mthis and what follows",
    link: "\u001b]8;;https://example.invalid/\u001b\\a link\u001b]8;;\u001b\\",
    "script link": "\u001b]8;;javascript:alert(1)\u0007a link\u001b]8;;\u0007 javascript:alert(1)",
    script: "<script>document.title='owned'</script></pre></textarea><script>alert(1)</script>",
    markup: `"><img src=x onerror="document.title='owned'"><b>bold</b> &lt;escaped&gt; &amp; '`,
    template: "{{ 7 * 7 }} {% raw %} ${7*7} <%= 7 * 7 %>",
    "event stream": "data: forged\r\revent: end\u2028data: forged\u2029id: 1\u0085",
    "carriage return": "progress 10 %\rprogress 100 %",
    "control bytes": Buffer.from([...Array(32).keys()].filter((byte) => byte !== 10).concat(127)),
    "C1 controls": "\u009b31m\u0090\u009d",
    "bidi marks": "\u202Egnp.exe\u202C \u2066isolate\u2069 \u200Fright to left",
    "zero width": "in\u200Bvis\u200Dible\uFEFF a\u0301\u0301\u0301",
    "broken UTF-8": Buffer.from([0xff, 0xfe, 0xc3, 0x28, 0xc0, 0xaf, 0xed, 0xa0, 0x80, 0xe2, 0x82]),
    "forged time": "2001-01-01T00:00:00.000000000Z [gateway] ready",
    emoji: "👩‍👩‍👧 🇩🇪 日本語 \u0000 after a zero byte",
    "long line": `${"x".repeat(100_000)} end of the long line`,
  };
  const lines = Object.entries(entries).map(([name, words], index) => {
    const label = `hostile ${String(index + 1).padStart(2, "0")} ${name}: `;
    return Buffer.concat([Buffer.from(label), Buffer.from(words), Buffer.from("\n")]);
  });
  return Buffer.concat([...lines, Buffer.from("\u001b[0mhostile end\n")]);
}
