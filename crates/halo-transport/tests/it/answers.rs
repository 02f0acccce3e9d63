//! Answers that began: how they end, and what is kept of them.

use std::io::Write;
use std::time::{Duration, Instant};

use flate2::Compression;
use flate2::write::GzEncoder;
use halo_transport::{Client, ClientOptions, Stage};
use halo_types::{Phase, Protocol, TransportClass};
use halo_wire::Event;
use tokio::io::AsyncWriteExt;
use tokio_util::sync::CancellationToken;

use crate::server::{
    END, LONG, STREAM, broken, call, class, drain, options, raw, reset, response, says,
    says_and_stalls, send, server, text_frame,
};

const WHOLE: &[u8] = br#"{"id":"c1","object":"chat.completion","model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"Hello"},"finish_reason":"stop"}]}"#;

fn texts(pieces: &[halo_transport::Piece]) -> String {
    let events = pieces.iter().flat_map(|piece| &piece.events);
    events
        .filter_map(|event| match event {
            Event::Text(text) => Some(text.as_str()),
            _ => None,
        })
        .collect()
}

#[tokio::test]
async fn a_good_stream_comes_through_byte_for_byte() {
    let body = format!(": hi\n\n{}{}{END}", text_frame("Hel"), text_frame("lo"));
    let url = says(format!("{STREAM}{body}")).await;
    let mut reply = send(&url, options()).await.unwrap();
    assert_eq!((reply.status(), reply.headers().first("x-request-id")), (200, Some("req_1")));
    // As the engine reads it: from a task of its own.
    let read = tokio::spawn(async move {
        let read = drain(&mut reply).await;
        (reply, read)
    });
    let (mut reply, (pieces, end)) = read.await.unwrap();
    assert_eq!(end, Ok(()));
    assert_eq!(raw(&pieces), body.as_bytes());
    assert_eq!((texts(&pieces).as_str(), reply.partial_chars()), ("Hello", 5));
    assert_eq!(reply.next().await, Ok(None));
}

#[tokio::test]
async fn pieces_are_whole_frames_however_the_bytes_arrive() {
    let body = format!("{}{END}", text_frame("Hello"));
    let bytes = body.clone();
    let url = server(move |mut socket| {
        let bytes = bytes.clone();
        async move {
            socket.set_nodelay(true).unwrap();
            socket.write_all(STREAM.as_bytes()).await.unwrap();
            for part in bytes.as_bytes().chunks(23) {
                socket.write_all(part).await.unwrap();
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        }
    })
    .await;
    let (pieces, end) = drain(&mut send(&url, options()).await.unwrap()).await;
    assert_eq!(end, Ok(()));
    assert_eq!(raw(&pieces), body.as_bytes());
    assert!(pieces.iter().all(|piece| piece.raw.ends_with(b"\n\n")), "{pieces:?}");
}

#[tokio::test]
async fn a_whole_answer_comes_in_one_piece_also_compressed() {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
    gzip.write_all(WHOLE).unwrap();
    let plain = response("200 OK", "content-type: application/json\r\n", WHOLE);
    let packed = response("200 OK", "content-encoding: gzip\r\n", &gzip.finish().unwrap());
    for bytes in [plain, packed] {
        let url = says(bytes).await;
        let (pieces, end) = drain(&mut send(&url, options()).await.unwrap()).await;
        assert_eq!(end, Ok(()));
        assert_eq!((pieces.len(), texts(&pieces).as_str()), (1, "Hello"));
        assert_eq!(raw(&pieces), WHOLE);
    }
}

#[tokio::test]
async fn a_stream_without_its_end_is_truncated_however_cleanly_it_closes() {
    let chunked = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
    let frame = text_frame("Hel");
    let in_chunk = format!("{:x}\r\n{frame}\r\n", frame.len());
    let cases = [
        (format!("{STREAM}{frame}"), ""),
        (format!("{STREAM}{frame}: keep-alive\n"), ": keep-alive\n"),
        (format!("{STREAM}{frame}data: {{\"choi"), "data: {\"choi"),
        (format!("{chunked}{in_chunk}"), ""),
        (format!("{chunked}{in_chunk}0\r\n\r\n"), ""),
        (format!("HTTP/1.1 200 OK\r\ncontent-length: 5000\r\n\r\n{frame}"), ""),
    ];
    for (bytes, left) in cases {
        let (pieces, evidence) = broken(&says(bytes.clone()).await, options()).await;
        assert_eq!(raw(&pieces), frame.as_bytes(), "{bytes}");
        assert_eq!(class(&evidence), Some(TransportClass::Truncated), "{bytes}: {evidence:?}");
        assert_eq!((evidence.phase, evidence.status), (Some(Phase::Stream), Some(200)));
        assert_eq!((evidence.partial_chars, evidence.body.text().as_ref()), (3, left));
        assert_eq!(Stage::of(&evidence), Stage::Answer);
    }
}

#[tokio::test]
async fn a_reset_in_the_middle() {
    let url = server(|mut socket| async move {
        let bytes = format!("{STREAM}{}", text_frame("Hel"));
        socket.write_all(bytes.as_bytes()).await.unwrap();
        tokio::time::sleep(Duration::from_millis(50)).await;
        reset(socket);
    })
    .await;
    let (pieces, evidence) = broken(&url, options()).await;
    assert_eq!(texts(&pieces), "Hel");
    assert_eq!(class(&evidence), Some(TransportClass::Reset), "{evidence:?}");
    assert_eq!(evidence.headers.first("x-request-id"), Some("req_1"));
}

#[tokio::test]
async fn a_connection_that_breaks_after_the_end_does_no_harm() {
    let bytes = format!("{}{END}", text_frame("Hello"));
    let short = format!("HTTP/1.1 200 OK\r\ncontent-length: 9999\r\n\r\n{bytes}");
    let (pieces, end) = drain(&mut send(&says(short).await, options()).await.unwrap()).await;
    assert_eq!((end, raw(&pieces)), (Ok(()), bytes.clone().into_bytes()));

    // Nor does one that stays open: the answer is over all the same.
    let url = says_and_stalls(format!("{STREAM}{bytes}")).await;
    let started = Instant::now();
    let (_, end) = drain(&mut send(&url, options()).await.unwrap()).await;
    assert_eq!(end, Ok(()));
    assert!(started.elapsed() < LONG / 4);
}

#[tokio::test]
async fn keep_alive_comments_do_not_reset_the_idle_timer() {
    let url = server(|mut socket| async move {
        let bytes = format!("{STREAM}{}", text_frame("Hel"));
        socket.write_all(bytes.as_bytes()).await.unwrap();
        while socket.write_all(b": keep-alive\n\n").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await;
    let idle_timeout = Duration::from_millis(250);
    let started = Instant::now();
    let first_byte_timeout = Duration::from_millis(50);
    let connect_timeout = first_byte_timeout;
    let short = ClientOptions { idle_timeout, first_byte_timeout, connect_timeout, ..options() };
    let (pieces, evidence) = broken(&url, short).await;
    assert_eq!(class(&evidence), Some(TransportClass::IdleTimeout));
    assert_eq!((evidence.phase, evidence.partial_chars), (Some(Phase::Stream), 3));
    assert!(started.elapsed() >= idle_timeout && started.elapsed() < LONG / 4);
    // They are passed on, though.
    assert!(raw(&pieces).ends_with(b": keep-alive\n\n"));
}

#[tokio::test]
async fn slow_answers_that_move_on_are_left_alone() {
    let url = server(|mut socket| async move {
        socket.write_all(STREAM.as_bytes()).await.unwrap();
        for _ in 0..6 {
            tokio::time::sleep(Duration::from_millis(100)).await;
            socket.write_all(text_frame("a").as_bytes()).await.unwrap();
        }
        socket.write_all(END.as_bytes()).await.unwrap();
    })
    .await;
    let idle_timeout = Duration::from_millis(400);
    let connect_timeout = idle_timeout;
    let short = ClientOptions {
        idle_timeout,
        connect_timeout,
        first_byte_timeout: idle_timeout,
        ..options()
    };
    let (pieces, end) = drain(&mut send(&url, short).await.unwrap()).await;
    assert_eq!((end, texts(&pieces).as_str()), (Ok(()), "aaaaaa"));
}

#[tokio::test]
async fn an_error_in_the_stream_is_evidence_with_its_raw_frame() {
    let error = r#"{"error":{"message":"Overloaded, key-of-this-test-1234567","code":"x"}}"#;
    let bytes = format!("{STREAM}{}data: {error}\n\ndata: [DONE]\n\n", text_frame("Hel"));
    let mut reply = send(&says(bytes).await, options()).await.unwrap();
    let (pieces, end) = drain(&mut reply).await;
    assert_eq!(raw(&pieces), text_frame("Hel").as_bytes());
    let evidence = end.unwrap_err();
    assert_eq!(evidence.body.text(), error.replace("key-of-this-test-1234567", "key-of-…4567"));
    assert_eq!((evidence.status, evidence.phase), (Some(200), Some(Phase::Stream)));
    assert_eq!((evidence.transport.clone(), evidence.partial_chars), (None, 3));
    // Asked again, it says the same.
    assert_eq!(reply.next().await, Err(evidence));
}

#[tokio::test]
async fn an_error_inside_a_200_is_evidence() {
    let error = br#"{"error":{"message":"no such model","type":"invalid_request_error"}}"#;
    let url = says(response("200 OK", "", error)).await;
    let (pieces, evidence) = broken(&url, options()).await;
    assert_eq!((pieces.len(), evidence.body.as_bytes()), (0, &error[..]));
    assert_eq!((evidence.phase, evidence.status), (Some(Phase::Body), Some(200)));
}

#[tokio::test]
async fn a_200_that_is_no_answer_is_kept_as_it_came() {
    let page = "<!doctype html><title>Sign in</title>\n\n<p>caf\u{e9}";
    for body in [page.as_bytes(), b"", b"null", b"OK\n\nall is well", b"data: {\"a\":1}\n\n"] {
        let url = says(response("200 OK", "content-type: text/html\r\n", body)).await;
        let (_, evidence) = broken(&url, options()).await;
        assert_eq!(evidence.body.as_bytes(), body);
        assert_eq!((evidence.status, evidence.phase), (Some(200), Some(Phase::Body)));
    }
}

#[tokio::test]
async fn a_document_that_breaks_off() {
    let half = &WHOLE[..60];
    let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", WHOLE.len());
    let cut = says([head.as_bytes(), half].concat()).await;
    let (_, evidence) = broken(&cut, options()).await;
    assert_eq!(class(&evidence), Some(TransportClass::Truncated));
    assert_eq!((evidence.phase, evidence.body.as_bytes()), (Some(Phase::Body), half));

    let garbled = response("200 OK", "content-encoding: gzip\r\n", b"this is no gzip at all");
    let (_, evidence) = broken(&says(garbled).await, options()).await;
    assert_eq!(class(&evidence), Some(TransportClass::Protocol), "{evidence:?}");
}

#[tokio::test]
async fn an_error_event_leaves_no_trace_in_the_bytes_before_it() {
    let start = "event: message_start\ndata: {\"type\":\"message_start\",\"message\":\
        {\"id\":\"m1\",\"model\":\"m\",\"role\":\"assistant\",\"content\":[]}}\n\n";
    let error = r#"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}"#;
    let url = says(format!("{STREAM}{start}event: error\ndata: {error}\n\n")).await;
    let mut call = call(&url);
    call.protocol = Protocol::Anthropic;
    let client = Client::new(options()).unwrap();
    let mut reply = client.send(call, &CancellationToken::new()).await.unwrap();
    let (pieces, end) = drain(&mut reply).await;
    assert_eq!(raw(&pieces), start.as_bytes());
    assert_eq!(end.unwrap_err().body.text(), error);

    // Without blank lines between the frames, too.
    let frame = text_frame("Hel").replace("\n\n", "\n");
    let url = says(format!("{STREAM}{frame}data: {{\"error\":\"no\"}}\n\n")).await;
    let (pieces, evidence) = broken(&url, options()).await;
    assert_eq!((raw(&pieces), texts(&pieces).as_str()), (frame.into_bytes(), "Hel"));
    assert_eq!(evidence.body.text(), r#"{"error":"no"}"#);
}

#[tokio::test]
async fn a_stream_without_blank_lines_still_flows() {
    let frames = text_frame("a").repeat(3).replace("\n\n", "\n");
    let url = says_and_stalls(format!("{STREAM}{frames}")).await;
    let mut reply = send(&url, options()).await.unwrap();
    let piece = tokio::time::timeout(LONG / 4, reply.next()).await.unwrap().unwrap().unwrap();
    assert_eq!(texts(&[piece]), "aa");
}

#[tokio::test]
async fn a_last_frame_without_its_blank_line_counts_but_is_not_passed_on() {
    let frame = text_frame("Hel");
    let url = says(format!("{STREAM}{}", frame.trim_end())).await;
    let (pieces, evidence) = broken(&url, options()).await;
    assert_eq!((texts(&pieces).as_str(), raw(&pieces)), ("Hel", Vec::new()));
    assert_eq!(class(&evidence), Some(TransportClass::Truncated));
    assert_eq!((evidence.partial_chars, evidence.body.is_empty()), (3, true));
}

#[tokio::test]
async fn silent_thinking_after_an_empty_first_event_is_no_pause() {
    let url = server(|mut socket| async move {
        let role = text_frame("");
        socket.write_all(format!("{STREAM}{role}").as_bytes()).await.unwrap();
        tokio::time::sleep(Duration::from_millis(300)).await;
        socket.write_all(format!("{}{END}", text_frame("a")).as_bytes()).await.unwrap();
    })
    .await;
    let idle_timeout = Duration::from_millis(100);
    let (pieces, end) =
        drain(&mut send(&url, ClientOptions { idle_timeout, ..options() }).await.unwrap()).await;
    assert_eq!((end, texts(&pieces).as_str()), (Ok(()), "a"));
}
