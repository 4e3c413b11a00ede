//! Compiles the `.proto` files with protox: building needs no protoc.

use std::path::Path;

/// What `src/json.rs` serializes.
const MODIFICATION: &str = ".keyroll.operator.v1.Modification";

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let files = [
        "keyroll/agent/v1/agent.proto",
        "keyroll/enroll/v1/enroll.proto",
        "keyroll/operator/v1/operator.proto",
    ];
    println!("cargo::rerun-if-changed=keyroll");
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let descriptors = protox::compile(files, [root])?;
    let replies: Vec<String> = descriptors
        .file
        .iter()
        .filter(|file| file.package() == "keyroll.operator.v1")
        .flat_map(|file| &file.message_type)
        .map(|message| format!(".keyroll.operator.v1.{}", message.name()))
        // A request may hold a password; a modification has a form of its own.
        .filter(|name| !name.ends_with("Request") && name != MODIFICATION)
        .collect();
    let mut builder = tonic_prost_build::configure()
        // Secrets travel in these: no generated Debug may show one. The crate writes its own.
        .skip_debug([
            "keyroll.agent.v1.Key",
            "keyroll.enroll.v1.JoinRequest",
            "keyroll.operator.v1.AdoptArrayRequest",
            "keyroll.operator.v1.AddNodeReply",
            "keyroll.operator.v1.BackupPart",
        ]);
    // `keyroll --output json` prints the replies as they are.
    for reply in replies {
        builder = builder.type_attribute(reply, "#[derive(serde::Serialize)]");
    }
    let guid = "#[serde(serialize_with = \"crate::json::guid\")]";
    builder = builder.field_attribute(".keyroll.operator.v1.DirectoryChange.guid", guid);
    builder.compile_fds(descriptors)?;
    Ok(())
}
