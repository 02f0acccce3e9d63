//! stub
use std::sync::Arc;
use halo_engine::Engine;
use tokio_util::sync::CancellationToken;
use crate::markdown::Renderer;
pub(crate) struct Hub;
impl Hub { pub(crate) fn start(_: Engine, _: Arc<Renderer>, _: CancellationToken) -> Self { Self } }
