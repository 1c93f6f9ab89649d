import Glibc

/// An error number of the Linux kernel (errno(3)), as system calls report it.
package struct Errno: Error, RawRepresentable, Hashable, Sendable {
  package let rawValue: Int32

  package init(rawValue: Int32) { self.rawValue = rawValue }

  package static let notPermitted = Errno(rawValue: EPERM)
  package static let noSuchFile = Errno(rawValue: ENOENT)
  package static let interrupted = Errno(rawValue: EINTR)
  package static let brokenPipe = Errno(rawValue: EPIPE)
  package static let inputOutput = Errno(rawValue: EIO)
  package static let again = Errno(rawValue: EAGAIN)
  package static let busy = Errno(rawValue: EBUSY)
  package static let noMemory = Errno(rawValue: ENOMEM)
  package static let permissionDenied = Errno(rawValue: EACCES)
  package static let exists = Errno(rawValue: EEXIST)
  package static let notEmpty = Errno(rawValue: ENOTEMPTY)
  package static let notDirectory = Errno(rawValue: ENOTDIR)
  package static let isDirectory = Errno(rawValue: EISDIR)
  package static let connectionRefused = Errno(rawValue: ECONNREFUSED)
  package static let invalidArgument = Errno(rawValue: EINVAL)
  package static let addressInUse = Errno(rawValue: EADDRINUSE)
  package static let notSupported = Errno(rawValue: EOPNOTSUPP)

  /// Whether the host has run out of something, where no other argument would help.
  package var isShortage: Bool { [ENOSPC, EDQUOT, ENOMEM, EMFILE, ENFILE].contains(rawValue) }
}

extension Errno: CustomStringConvertible {
  /// The C library's words for the error, as strerror(3) gives them: "No such file or directory".
  package var description: String {
    // SAFETY: strerror returns a null-terminated string that lives until this thread's next call to it; it is copied here.
    unsafe String(cString: strerror(rawValue))
  }
}

/// A system call that the host refused: which one, and why.
///
/// The message for a person is built where it is shown, from these two and from what was being attempted.
package struct SystemCallError: Error, Equatable, Sendable {
  /// The name of the call, as its manual page has it.
  package let call: StaticString
  package let errno: Errno

  package init(_ call: StaticString, _ errno: Errno) {
    self.call = call
    self.errno = errno
  }

  package static func == (left: Self, right: Self) -> Bool {
    left.errno == right.errno && left.call.description == right.call.description
  }
}

extension SystemCallError: CustomStringConvertible {
  package var description: String { "\(call): \(errno)" }
}

/// Turns the C modules' convention, a result or `-errno`, into Swift's.
///
/// - Returns: `result`, when it is not negative.
/// - Throws: ``SystemCallError`` with the negated `result` otherwise.
@discardableResult @inline(__always)
package func checked<Result: FixedWidthInteger & SignedInteger>(
  _ call: StaticString, _ result: Result
) throws(SystemCallError) -> Result {
  guard result >= 0 else { throw SystemCallError(call, Errno(rawValue: Int32(truncatingIfNeeded: -result))) }
  return result
}
