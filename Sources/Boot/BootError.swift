import GuestMemory
import Host

/// Why a guest cannot be booted: what the user gave, and what is wrong with it.
package struct BootError: Error, Equatable, Sendable {
  /// The path or the option that is at fault.
  package let subject: String
  package let reason: Reason

  init(_ subject: String, _ reason: Reason) {
    self.subject = subject
    self.reason = reason
  }

  /// What is wrong. `what` always names a part of the image, as "segment 2" or "the initrd".
  package enum Reason: Equatable, Sendable {
    /// The file could not be opened or read.
    case unreadable(Errno)
    /// A pipe, a socket or a device.
    case notRegularFile
    case empty
    /// The file ends before a part that its own header promises.
    case truncated(_ what: String, offset: UInt64, count: UInt64, size: UInt64)
    /// No boot protocol recognises the file.
    case unrecognised
    /// The user chose a protocol that the file does not speak; `missing` says what was looked for.
    case not(BootProtocol, missing: String)
    /// A field of the image's header makes no sense; the text names it with its value.
    case malformed(String)
    /// The image is sound, but wants something that this machine does not offer.
    case unsupported(String)
    /// A part wants to lie where the guest has no RAM.
    case outsideMemory(_ what: String, start: GuestAddress, count: UInt64, memory: UInt64)
    /// Two parts want the same bytes of RAM.
    case overlap(_ what: String, GuestRange, with: String, GuestRange)
    /// No free stretch of RAM is large enough.
    case noRoom(_ what: String, count: UInt64, memory: UInt64)
    /// The entry point is not in anything that was loaded.
    case entryOutside(GuestAddress)
    /// In bytes of UTF-8.
    case commandLineTooLong(count: Int, limit: Int)
    case tooManyModules(count: Int, limit: Int)
    /// An option that the protocol has no place for.
    case unused(by: BootProtocol)
    /// The guest's RAM, in bytes, has no room for what every guest needs.
    case memoryTooSmall(bytes: UInt64, minimum: UInt64)
    /// A structure that describes the machine has grown out of its area; in bytes.
    case tooLarge(count: Int, limit: Int)
  }
}

extension BootError: CustomStringConvertible {
  /// One line: the subject, what is wrong with it, and what to do where that is not plain.
  package var description: String { "\(subject): \(reason)" }
}

extension BootError.Reason: CustomStringConvertible {
  package var description: String {
    switch self {
    case .unreadable(let errno):
      "cannot be read: \(errno)"
    case .notRegularFile:
      "is no regular file: give the path of an image"
    case .empty:
      "is empty"
    case .truncated(let what, let offset, let count, let size):
      "is truncated: \(what) needs \(count) bytes at offset \(offset), the file has \(size)"
    case .unrecognised:
      "is no kernel that can be booted: it has no Linux header, no PVH note and no multiboot header; "
        + "load a raw binary with --boot flat"
    case .not(let proto, let missing):
      "cannot be booted with --boot \(proto.rawValue): \(missing)"
    case .malformed(let text):
      "has a broken header: \(text)"
    case .unsupported(let text):
      "cannot be booted: \(text)"
    case .outsideMemory(let what, let start, let count, let memory):
      "\(what) (\(count) bytes at \(start)) lies outside the guest's memory of \(memory / 1024) KiB; "
        + "try more with --memory"
    case .overlap(let what, let range, let other, let otherRange):
      "\(what) (\(range)) overlaps \(other) (\(otherRange))"
    case .noRoom(let what, let count, let memory):
      "\(what) (\(count) bytes) does not fit into the guest's memory of \(memory / 1024) KiB; try more with --memory"
    case .entryOutside(let entry):
      "its entry point \(entry) lies outside what it loads"
    case .commandLineTooLong(let count, let limit):
      "is too long: \(count) bytes, this kernel takes \(limit)"
    case .tooManyModules(let count, let limit):
      "is given \(count) times, at most \(limit) are possible"
    case .unused(let proto):
      "means nothing to a kernel that boots by the \(proto.rawValue) protocol"
    case .memoryTooSmall(let bytes, let minimum):
      "is too small: \(bytes / 1024) KiB, at least \(minimum / 1024) KiB are needed"
    case .tooLarge(let count, let limit):
      "would be \(count) bytes long, at most \(limit) are possible: try fewer CPUs or devices"
    }
  }
}
