//! Compiles the `.proto` files with protox: building needs no protoc.

use std::path::Path;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let files = [
        "keyroll/agent/v1/agent.proto",
        "keyroll/enroll/v1/enroll.proto",
        "keyroll/operator/v1/operator.proto",
    ];
    println!("cargo::rerun-if-changed=keyroll");
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let descriptors = protox::compile(files, [root])?;
    tonic_prost_build::configure()
        // Secrets travel in these: no generated Debug may show one. The crate writes its own.
        .skip_debug([
            "keyroll.agent.v1.Key",
            "keyroll.enroll.v1.JoinRequest",
            "keyroll.operator.v1.AdoptArrayRequest",
            "keyroll.operator.v1.AddNodeReply",
        ])
        // `keyroll --output json` prints the replies as they are.
        .type_attribute(".keyroll.operator.v1", "#[derive(serde::Serialize)]")
        .compile_fds(descriptors)?;
    Ok(())
}
