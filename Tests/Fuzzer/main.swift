import CFuzzer
import FuzzTargets
import Glibc

// FUZZ_TARGET=TARGET fuzzer [LIBFUZZER'S ARGUMENTS]
//
// Not an argument: libFuzzer starts the program anew with its own arguments when it merges inputs.

/// Set once, before the first input.
// SAFETY: libFuzzer has one thread, which is this one.
nonisolated(unsafe) private var target = FuzzTarget.virtqueue

// SAFETY: nobody changes the environment.
guard let named = unsafe getenv("FUZZ_TARGET").flatMap({ unsafe FuzzTarget(rawValue: String(cString: $0)) }) else {
  fatalError("FUZZ_TARGET must be one of \(FuzzTarget.allCases.map(\.rawValue))")
}
// SAFETY: libFuzzer has one thread, and it has not begun.
unsafe target = named
var count = CommandLine.argc
// SAFETY: the arguments live as long as the process.
var arguments = unsafe Optional(CommandLine.unsafeArgv)
// SAFETY: the bytes are copied.
_ = unsafe LLVMFuzzerRunDriver(&count, &arguments) { data, count in
  unsafe target.run(Array(UnsafeBufferPointer(start: data, count: count)))
  return 0
}
