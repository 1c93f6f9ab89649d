// A target of SwiftPM has a source file.
