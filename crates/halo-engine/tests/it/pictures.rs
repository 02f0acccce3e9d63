//! Pictures that a model takes only smaller, or not so many of them.

use halo_engine::{ConversationView, EngineError, Item, PictureFaults};
use halo_types::{FactValue, ImageRef, Protocol, StepKind};

use crate::bench::{Bench, Chat, answer, card, target};
use crate::facts::provider;
use crate::recovery::bodies;

async fn photo(bench: &Bench, width: u32, height: u32) -> ImageRef {
    let pixel = |x: u32, y: u32| image::Rgb([x as u8, y as u8, (x * y) as u8]);
    let mut png = std::io::Cursor::new(Vec::new());
    let picture = image::RgbImage::from_fn(width, height, pixel);
    picture.write_to(&mut png, image::ImageFormat::Png).unwrap();
    bench.engine.add_image(png.into_inner(), None).await.unwrap()
}

fn steps(view: &ConversationView) -> Vec<StepKind> {
    let step = |item: &Item| match item {
        Item::Step(step) if step.in_force => Some(step.kind.clone()),
        _ => None,
    };
    view.items.iter().filter_map(step).collect()
}

#[tokio::test]
async fn what_is_known_to_be_too_large_is_told_before_and_sent_smaller_with_one_click() {
    let bench = Bench::new().await;
    let model = "halo-practice";
    let at = target(Protocol::OpenaiChat, model);
    bench.engine.set_fact(&at.provider, model, FactValue::PictureSide(100)).await.unwrap();
    let chat = bench.chat(Protocol::OpenaiChat, model).await;
    let view = chat.say_with("What is this?", vec![photo(&bench, 300, 200).await]).await;
    assert!(view.meter.refused.large == 1 && !view.meter.shrinks, "{:?}", view.meter);

    bench.engine.send_smaller(chat.id).await.unwrap();
    let view = chat.view().await;
    assert_eq!(view.meter.refused, PictureFaults::default());
    assert!(view.meter.shrinks);
    let StepKind::ShrinkImages { max_side: 100, pictures, .. } = &steps(&view)[0] else {
        panic!("{view:#?}")
    };
    assert_eq!((pictures[0].sent.width, pictures[0].sent.height), (100, 67));
    // Those that come later too.
    chat.say_with("And this?", vec![photo(&bench, 40, 300).await]).await;
    assert!(!bodies(&bench, model).last().unwrap().contains("image/png"));
}

#[tokio::test]
async fn where_it_is_allowed_pictures_go_smaller_by_themselves_before_and_after_a_refusal() {
    let bench = Bench::with(|settings| settings.recovery.always_shrink_images = true).await;
    let model = "halo-practice";
    let at = target(Protocol::Gemini, model);
    bench.engine.set_fact(&at.provider, model, FactValue::PictureSide(100)).await.unwrap();
    let chat = bench.chat(Protocol::Gemini, model).await;
    let view = chat.say_with("What is this?", vec![photo(&bench, 300, 200).await]).await;
    assert!(answer(&view).is_some(), "{view:#?}");
    assert_eq!(bodies(&bench, model).len(), 1);
    assert!(!bodies(&bench, model)[0].contains("image/png"));
    let step = steps(&view);
    assert!(matches!(step[..], [StepKind::ShrinkImages { max_side: 100, .. }]), "{step:?}");

    let picky = provider(&bench, |body| {
        let text = body.to_string();
        text.contains("image/png").then_some(
            "messages.0.content.0.image.source.base64: image exceeds 5 MB maximum: 5316852 bytes > \
             5242880 bytes",
        )
    })
    .await;
    let id = bench.engine.create(Some(picky)).await.unwrap();
    let chat = Chat { engine: &bench.engine, id };
    let view = chat.say_with("What is this?", vec![photo(&bench, 300, 200).await]).await;
    assert!(answer(&view).is_some(), "{view:#?}");
    assert!(matches!(steps(&view)[..], [StepKind::ShrinkImages { max_side: 150, .. }]));
}

#[tokio::test]
async fn of_too_many_pictures_the_older_ones_are_left_out_with_one_click() {
    let bench = Bench::new().await;
    let picky = provider(&bench, |body| {
        let many = body.to_string().matches("image_url\":{").count() > 1;
        many.then_some("At most 1 image(s) may be provided in one prompt.")
    })
    .await;
    let id = bench.engine.create(Some(picky)).await.unwrap();
    let chat = Chat { engine: &bench.engine, id };
    let first = photo(&bench, 30, 20).await;
    assert!(answer(&chat.say_with("One", vec![first]).await).is_some());
    let view = chat.say_with("Two", vec![photo(&bench, 20, 30).await]).await;
    assert!(card(&view).is_some());
    assert_eq!(view.meter.refused.many, Some((2, 1)), "it was learned");

    let none = bench.engine.leave_out_images(id, Some(0)).await;
    assert!(matches!(none, Err(EngineError::DoesNotFit(_))), "{none:?}");
    bench.engine.leave_out_images(id, Some(1)).await.unwrap();
    assert_eq!(chat.view().await.meter.refused, PictureFaults::default());
    let view = chat.say("Now?").await;
    assert!(answer(&view).is_some(), "{view:#?}");
}
