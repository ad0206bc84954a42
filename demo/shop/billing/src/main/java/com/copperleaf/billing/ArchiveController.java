package com.copperleaf.billing;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.UUID;
import org.springframework.beans.factory.annotation.Value;
import org.springframework.core.io.FileSystemResource;
import org.springframework.core.io.Resource;
import org.springframework.http.MediaType;
import org.springframework.http.ResponseEntity;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.bind.annotation.RestController;

@RestController
public class ArchiveController {

    private final Path archive;

    public ArchiveController(@Value("${billing.archive}") String archive) {
        this.archive = Path.of(archive);
    }

    /** A scanned document, by the name the scanner gave it. */
    @GetMapping("/archive/scan")
    public ResponseEntity<Resource> scan(@RequestParam String name) {
        File file = new File(archive.toFile(), name);
        if (!file.isFile()) {
            return ResponseEntity.notFound().build();
        }
        return ResponseEntity.ok().contentType(MediaType.APPLICATION_PDF).body(new FileSystemResource(file));
    }

    @GetMapping("/archive/receipt/{id}")
    public ResponseEntity<byte[]> receipt(@PathVariable UUID id) throws IOException {
        Path file = archive.resolve(id + ".pdf");
        if (!Files.isRegularFile(file)) {
            return ResponseEntity.notFound().build();
        }
        return ResponseEntity.ok().contentType(MediaType.APPLICATION_PDF).body(Files.readAllBytes(file));
    }
}
