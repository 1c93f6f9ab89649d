import Boot
import Host

/// The ELF file of a packed kernel, ready to be booted.
package struct UnpackedKernel: Sendable {
  /// Open for reading. It stays what it is, whatever is removed from the cache.
  package let file: SharedDescriptor
  package let origin: Origin

  package enum Origin: Equatable, Sendable {
    /// It had been unpacked before.
    case cache
    /// It was unpacked now, and the next start finds it.
    case unpacked
    /// It was unpacked now, and the next start has to do it again.
    case notKept(Obstacle)
  }

  /// Why nothing can be kept, in words for a person.
  package enum Obstacle: Equatable, Sendable, CustomStringConvertible {
    case nowhere
    case refused(folder: String, SystemCallError)

    package var description: String {
      switch self {
      case .nowhere: "neither XDG_CACHE_HOME nor HOME says where"
      case .refused(let folder, let error): "\(folder): \(error.errno)"
      }
    }
  }

  /// What is to be booted in a kernel's place.
  ///
  /// - Parameters:
  ///   - path: any kernel.
  ///   - isWanted: nil: only where there is something to gain, which is a bzImage that can be kept unpacked.
  ///   - isMoved: whether who boots it moves it as the bzImage's own code would, and boots the bzImage where it cannot.
  ///   - cache: nil: there is none.
  /// - Returns: nil: the file is booted as it is.
  /// - Throws: when it is wanted and cannot be done.
  package init?(
    of path: String, isWanted: Bool?, isMoved: Bool = true, cache: KernelCache?
  ) throws(UnpackingError) {
    switch isWanted {
    case false?: return nil
    case true?:
      guard let packed = try PackedKernel(path) else { return nil }
      try self.init(packed, cache: cache)
      if isMoved { try checkMove(of: path) }
    case nil:
      // What is wrong with the file the VMM says, or else the guest's own unpacking.
      guard let cache, let packed = (try? PackedKernel(path)) ?? nil, packed.is64Bit else { return nil }
      do {
        let key = try packed.key(cache.secret())
        if let found = Self(finding: packed, key, in: cache) {
          self = found
        } else if cache.hasRoom(for: packed.unpackedBytes) {
          try self.init(adding: packed.unpack(key), key, to: cache)
        } else {
          return nil
        }
      } catch {
        return nil
      }
    }
  }

  /// Finds it in the cache, or unpacks it and adds it there if that can be.
  init(_ packed: PackedKernel, cache: KernelCache?) throws(UnpackingError) {
    guard let cache else {
      try self.init(nameless: packed.unpack(), .nowhere)
      return
    }
    let secret: [UInt8]
    do throws(SystemCallError) { secret = try cache.secret() } catch {
      try self.init(nameless: packed.unpack(), .refused(folder: cache.path, error))
      return
    }
    let key = try packed.key(secret)
    if let found = Self(finding: packed, key, in: cache) {
      self = found
      return
    }
    let kernel = try packed.unpack(key)
    do throws(SystemCallError) { try self.init(adding: kernel, key, to: cache) } catch {
      try self.init(nameless: kernel, .refused(folder: cache.path, error))
    }
  }

  /// - Throws: when it is not known how the bzImage's own code would move the kernel.
  private func checkMove(of path: String) throws(UnpackingError) {
    let isKnown: Bool
    do throws(BootError) {
      isKnown = try UnpackedImage(ImageFile(path: path, at: "/proc/self/fd/\(file.number)")) != nil
    } catch {
      throw .image(error)
    }
    if !isKnown { throw .refused(path: path, .movesItself) }
  }

  private init?(finding packed: PackedKernel, _ key: PackedKernel.Key, in cache: KernelCache) {
    guard let found = cache.find(key.digits, bytes: packed.unpackedBytes) else { return nil }
    file = SharedDescriptor(found)
    origin = .cache
  }

  private init(
    adding kernel: borrowing Mapping, _ key: PackedKernel.Key, to cache: KernelCache
  ) throws(SystemCallError) {
    file = SharedDescriptor(try cache.add(kernel, key.digits))
    origin = .unpacked
  }

  /// In memory, for as long as the guest runs.
  private init(nameless kernel: borrowing Mapping, _ obstacle: Obstacle) throws(UnpackingError) {
    do throws(SystemCallError) {
      let file = try Descriptor.memory(named: "rowhouse-kernel")
      // SAFETY: the mapping's own memory, which is only read.
      unsafe try file.writeAll(UnsafeRawBufferPointer(start: kernel.base, count: kernel.count), at: 0)
      self.file = SharedDescriptor(file)
    } catch {
      throw .host(error)
    }
    origin = .notKept(obstacle)
  }
}
