//! Both policy engines: the same decisions on the same input, modules that are not as they should be, and rules
//! that do not end.
#![cfg(test)]

mod broken;
mod module;
mod runaway;
mod same;
mod support;
