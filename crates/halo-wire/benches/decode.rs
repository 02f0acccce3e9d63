//! How fast bytes become frames and events.
//!
//! `cargo bench -p halo-wire` prints bytes per second. The streams are made here from the writer's
//! own output, in pieces of the size that a socket gives.

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use halo_types::{Protocol, StopReason, Usage};
use halo_wire::server::StreamEncoder;
use halo_wire::{Decoder, Event, sse};

/// What one read of a socket brings.
const READ: usize = 16 * 1024;

/// A long answer as each provider streams it: a few words in each event.
fn stream(protocol: Protocol) -> Vec<u8> {
    let mut encoder = StreamEncoder::new(
        protocol,
        "chatcmpl-B9MBs8CjcvOU2jLn4n570S5qMJKcT",
        "gpt-5.4",
        1_741_569_952,
    )
    .with_usage(true);
    let words =
        ["The ", "quick ", "brown ", "fox, ", "“jumps” ", "over\n", "the ", "lazy ", "dog. ", "狗"];
    let mut bytes = encoder.encode(&Event::Start { id: None, model: None });
    for n in 0..20_000 {
        bytes.extend(encoder.encode(&Event::Text(words[n % words.len()].to_owned())));
    }
    let usage = Usage { input: Some(12), output: Some(20_000), ..Usage::default() };
    bytes.extend(encoder.encode(&Event::Usage(usage)));
    bytes.extend(encoder.encode(&Event::Stop(StopReason::End)));
    bytes.extend(encoder.finish());
    bytes
}

fn framing(criterion: &mut Criterion) {
    let bytes = stream(Protocol::OpenaiChat);
    let mut group = criterion.benchmark_group("sse");
    group.throughput(Throughput::Bytes(bytes.len() as u64));
    group.bench_function("frames", |bencher| {
        bencher.iter(|| {
            let mut decoder = sse::Decoder::new();
            let mut frames = 0;
            for read in bytes.chunks(READ) {
                frames += decoder.push(read).len();
            }
            black_box(frames)
        });
    });
    group.finish();
}

fn events(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("events");
    for protocol in Protocol::ALL {
        let bytes = stream(*protocol);
        group.throughput(Throughput::Bytes(bytes.len() as u64));
        group.bench_function(BenchmarkId::from_parameter(protocol), |bencher| {
            bencher.iter(|| {
                let mut decoder = Decoder::new(*protocol);
                let mut events = 0;
                for read in bytes.chunks(READ) {
                    events += decoder.push(read).len();
                }
                events += decoder.finish().0.len();
                black_box(events)
            });
        });
    }
    group.finish();
}

criterion_group!(benches, framing, events);
criterion_main!(benches);
