//! Settings with origins, provider keys and the model catalogue
