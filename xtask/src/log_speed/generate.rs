//! A made-up log: the same bytes for the same seed.

use std::fmt::Write as _;

/// Of a thousand records, so many tell of a provider's error.
const ERRORS: u64 = 20;
/// And so many are errors and warnings of other services.
const OTHER_ERRORS: u64 = 15;

/// Ordinary lines. `%t` is a time, `%a` a time of an access log, `%e` milliseconds since 1970,
/// `%d` a number, `%h` an id, `%w` a word.
const ORDINARY: &[&str] = &[
    "%t INFO app.main: request %d done in %d ms",
    "%t INFO app.worker: job %h finished, %d items, next %w",
    "%t DEBUG app.cache: hit %w/%w/%d ttl=%d",
    "%t INFO httpx: HTTP Request: POST https://api.openai.com/v1/chat/completions \"HTTP/1.1 200 OK\"",
    "10.0.%d.%d - - [%a] \"GET /%w/%w?page=%d HTTP/1.1\" 200 %d \"-\" \"Mozilla/5.0 (X11; Linux x86_64)\"",
    "10.0.%d.%d - - [%a] \"POST /api/%w HTTP/1.1\" 201 %d \"https://example.com/%w\" \"Mozilla/5.0 (Macintosh)\"",
    "10.0.%d.%d - - [%a] \"POST /v1/chat/completions HTTP/1.1\" 200 %d \"-\" \"OpenAI/Python 1.50.2\"",
    "{\"level\":30,\"time\":%e,\"pid\":7,\"hostname\":\"web-%d\",\"req\":{\"id\":\"%h\",\"method\":\"GET\",\"url\":\"/%w/%d\"},\"res\":{\"statusCode\":200},\"responseTime\":%d,\"msg\":\"request completed\"}",
    "{\"level\":\"info\",\"ts\":%e,\"caller\":\"server/handler.go:88\",\"msg\":\"served\",\"path\":\"/%w\",\"bytes\":%d,\"trace\":\"%h\"}",
    "{\"event\": \"%w_finished\", \"level\": \"info\", \"timestamp\": \"%t\", \"user\": %d, \"tokens\": %d, \"model\": \"gpt-4o\"}",
    "app-1  | %t [INFO] %w: %d rows in %d ms",
    "db-1   | %t UTC [%d] LOG:  checkpoint complete: wrote %d buffers",
    "Nov  1 12:00:00 box %w[%d]: session %h opened for user %w",
    "[GIN] 2026/11/01 - 12:00:00 | 200 |  %d.%dms | 10.0.0.%d | POST     \"/v1/chat/completions\"",
    "%t INFO llm: model=gpt-4o prompt_tokens=%d completion_tokens=%d latency=%d ms",
    "%t DEBUG llm: request {\"model\":\"claude-sonnet-4\",\"messages\":[{\"role\":\"user\",\"content\":\"Write about %w and %w in %d words, please.\"}]}",
    "%t INFO scheduler: %w queued (%d waiting), worker %h takes %w",
    "I1101 12:00:00.%d 1 controller.go:%d] synced %w/%w in %dms",
    "%t INFO [main] c.e.%w.Service - loaded %d beans, profile %w",
    "%t TRACE net: %d bytes from 10.0.%d.%d:%d stream %h",
];

/// Errors and warnings that are nobody's business here.
const OTHER: &[&str] = &[
    "%t ERROR app.db: psycopg2.OperationalError: connection to server at \"10.0.0.%d\", port 5432 failed: Connection refused",
    "%t ERROR app.web: ValueError: invalid literal for int() with base 10: '%w'",
    "%t WARNING app.cache: redis.exceptions.TimeoutError: Timeout reading from cache:%d",
    "{\"level\":50,\"time\":%e,\"pid\":7,\"err\":{\"type\":\"TypeError\",\"message\":\"Cannot read properties of undefined (reading '%w')\"},\"msg\":\"unhandled\"}",
    "10.0.%d.%d - - [%a] \"GET /%w.php HTTP/1.1\" 404 153 \"-\" \"zgrab/0.x\"",
    "%t ERROR mailer: delivery to %w@example.com failed: mailbox unavailable (%d)",
    "app-1  | %t [ERROR] job %h failed: file %w-%d.csv not found",
    "%t ERROR [main] c.e.%w.Service - java.lang.IllegalStateException: %w is closed",
    "%t WARN limiter: rate limit exceeded for client 10.0.%d.%d",
];

const WORDS: &[&str] = &[
    "orders", "invoices", "users", "reports", "alpha", "bravo", "charlie", "delta", "images",
    "search", "billing", "catalog", "events", "metrics", "nightly", "import", "export", "session",
];

/// Ways in which programs log an error; `%b` is its text on one line, `%j` the same inside a JSON
/// string.
const FORMS: &[&str] = &[
    "%t ERROR app.llm: openai call failed: %b",
    "%t ERROR app.llm: job %d failed\nTraceback (most recent call last):\n  File \"/app/llm.py\", line 88, in complete\n    response = client.chat.completions.create(**request)\n  File \"/app/.venv/lib/python3.12/site-packages/openai/_base_client.py\", line 1034, in request\n    raise self._make_status_error_from_response(err.response) from None\nopenai.APIStatusError: %b",
    "{\"level\":50,\"time\":%e,\"pid\":7,\"hostname\":\"web-%d\",\"err\":{\"type\":\"APIError\",\"message\":\"%j\",\"stack\":\"APIError: at OpenAI.makeStatusError (/app/node_modules/openai/core.js:277:33)\"},\"msg\":\"chat failed\"}",
    "{\"level\":\"error\",\"ts\":%e,\"caller\":\"llm/client.go:88\",\"msg\":\"completion failed\",\"model\":\"gpt-4o\",\"error\":\"%j\"}",
    "app-1  | %t [ERROR] litellm.APIError: %b",
    "[ERR] 2026/11/01 - 12:00:00 | %d | relay error (channel #%d): %b",
];

pub(super) struct Generator {
    state: u64,
    /// Milliseconds since 1970.
    now: u64,
    /// The rules' examples, plain and as they stand in a JSON string.
    bodies: Vec<(String, String)>,
}

impl Generator {
    pub(super) fn new(seed: u64) -> Self {
        let bodies = halo_diagnose::rules()
            .iter()
            .flat_map(|rule| &rule.example)
            .filter(|example| (8..700).contains(&example.body.len()))
            .map(|example| {
                let status =
                    example.status.map(|s| format!("status code {s}: ")).unwrap_or_default();
                let body = format!("{status}{}", example.body.replace(['\r', '\n'], " "));
                let inside = serde_json::Value::from(body.as_str()).to_string();
                (body, inside[1..inside.len() - 1].to_owned())
            })
            .collect();
        Self { state: seed, now: 1_793_491_200_000, bodies }
    }

    /// Adds the next record.
    pub(super) fn record(&mut self, out: &mut String) {
        self.now += self.below(12);
        let draw = self.below(1000);
        let forms = if draw < ERRORS {
            FORMS
        } else if draw < ERRORS + OTHER_ERRORS {
            OTHER
        } else {
            ORDINARY
        };
        let form = forms[self.index(forms.len())];
        let body = self.index(self.bodies.len());
        let mut parts = form.split('%');
        out.push_str(parts.next().unwrap_or_default());
        for part in parts {
            let mut rest = part.chars();
            match rest.next() {
                Some('t') => self.time(out),
                Some('a') => {
                    out.push_str("01/Nov/2026:");
                    self.clock(out);
                    out.push_str(" +0000");
                }
                Some('e') => self.write(out, self.now),
                Some('d') => {
                    let number = self.below(9000);
                    self.write(out, number);
                }
                Some('h') => {
                    let id = self.next();
                    let _ = write!(out, "{id:016x}");
                }
                Some('w') => {
                    let word = self.index(WORDS.len());
                    out.push_str(WORDS[word]);
                }
                Some('b') => out.push_str(&self.bodies[body].0),
                Some('j') => out.push_str(&self.bodies[body].1),
                _ => {}
            }
            out.push_str(rest.as_str());
        }
        out.push('\n');
    }

    fn write(&self, out: &mut String, number: u64) {
        let _ = write!(out, "{number}");
    }

    fn time(&self, out: &mut String) {
        out.push_str("2026-11-01 ");
        self.clock(out);
        let _ = write!(out, ",{:03}", self.now % 1000);
    }

    fn clock(&self, out: &mut String) {
        let second = self.now / 1000 % 86_400;
        let _ = write!(out, "{:02}:{:02}:{:02}", second / 3600, second / 60 % 60, second % 60);
    }

    /// xorshift64*: <https://doi.org/10.18637/jss.v008.i14>
    fn next(&mut self) -> u64 {
        self.state ^= self.state >> 12;
        self.state ^= self.state << 25;
        self.state ^= self.state >> 27;
        self.state.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn below(&mut self, bound: u64) -> u64 {
        (self.next() >> 33) % bound
    }

    fn index(&mut self, len: usize) -> usize {
        usize::try_from(self.below(len as u64)).unwrap_or(0)
    }
}
