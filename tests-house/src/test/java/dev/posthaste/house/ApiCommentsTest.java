package dev.posthaste.house;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.source.doctree.DocCommentTree;
import com.sun.source.tree.ClassTree;
import com.sun.source.tree.CompilationUnitTree;
import com.sun.source.tree.MethodTree;
import com.sun.source.tree.ModifiersTree;
import com.sun.source.tree.Tree;
import com.sun.source.tree.VariableTree;
import com.sun.source.util.DocTrees;
import com.sun.source.util.JavacTask;
import com.sun.source.util.TreePath;
import com.sun.source.util.TreePathScanner;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.stream.Stream;
import javax.lang.model.element.Modifier;
import javax.tools.JavaCompiler;
import javax.tools.StandardJavaFileManager;
import javax.tools.ToolProvider;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** Whatever an application can see of the API says what it promises. */
class ApiCommentsTest {
    private static final List<String> PUBLISHED =
            List.of("posthaste-core", "posthaste-relay", "posthaste-kafka", "posthaste-rabbitmq", "posthaste-testkit");
    private static final Set<Modifier> VISIBLE = EnumSet.of(Modifier.PUBLIC, Modifier.PROTECTED);

    @Test
    void everyPublicMemberHasAComment() throws Exception {
        JavaCompiler compiler = ToolProvider.getSystemJavaCompiler();
        try (StandardJavaFileManager files = compiler.getStandardFileManager(null, null, null)) {
            JavacTask task = (JavacTask) compiler.getTask(
                    null, files, null, List.of("-proc:none"), null, files.getJavaFileObjectsFromPaths(sources()));
            Comments comments = new Comments(DocTrees.instance(task));
            for (CompilationUnitTree each : task.parse()) {
                comments.scan(each, null);
            }
            assertThat(comments.seen).isGreaterThan(500);
            assertThat(comments.missing).isEmpty();
        }
    }

    private static List<Path> sources() throws IOException {
        Path root = Path.of("").toAbsolutePath().getParent();
        List<Path> found = new ArrayList<>();
        for (String module : PUBLISHED) {
            try (Stream<Path> files = Files.walk(root.resolve(module).resolve("src/main/java"))) {
                files.filter(file -> file.toString().endsWith(".java"))
                        .filter(file -> !file.toString().contains("/internal/"))
                        .forEach(found::add);
            }
        }
        return found;
    }

    /** What has a comment, and what has none: public and protected members of public types. */
    private static final class Comments extends TreePathScanner<@Nullable Void, @Nullable Void> {
        private final DocTrees docs;
        private final List<String> missing = new ArrayList<>();
        private int seen;

        private Comments(DocTrees docs) {
            this.docs = docs;
        }

        @Override
        public @Nullable Void visitClass(ClassTree type, @Nullable Void nothing) {
            if (!isVisible(type.getModifiers())) {
                return null;
            }
            require(type.getModifiers(), type.getSimpleName());
            for (Tree member : type.getMembers()) {
                scan(member, null);
            }
            return null;
        }

        @Override
        public @Nullable Void visitMethod(MethodTree method, @Nullable Void nothing) {
            boolean generated = docs.getSourcePositions().getEndPosition(unit(), method) < 0;
            if (!generated && isVisible(method.getModifiers())) {
                require(method.getModifiers(), method.getName());
            }
            return null;
        }

        @Override
        public @Nullable Void visitVariable(VariableTree field, @Nullable Void nothing) {
            if (isVisible(field.getModifiers())) {
                require(field.getModifiers(), field.getName());
            }
            return null;
        }

        private CompilationUnitTree unit() {
            return getCurrentPath().getCompilationUnit();
        }

        /** Members of interfaces are public without saying so. */
        private boolean isVisible(ModifiersTree modifiers) {
            TreePath parent = Objects.requireNonNull(getCurrentPath().getParentPath());
            boolean inInterface = parent.getLeaf().getKind() == Tree.Kind.INTERFACE
                    || parent.getLeaf().getKind() == Tree.Kind.ANNOTATION_TYPE;
            return inInterface && !modifiers.getFlags().contains(Modifier.PRIVATE)
                    || modifiers.getFlags().stream().anyMatch(VISIBLE::contains);
        }

        private void require(ModifiersTree modifiers, CharSequence name) {
            seen++;
            boolean overrides = modifiers.getAnnotations().stream()
                    .anyMatch(each -> each.getAnnotationType().toString().equals("Override"));
            DocCommentTree comment = docs.getDocCommentTree(getCurrentPath());
            if (!overrides
                    && (comment == null
                            || comment.getFullBody().isEmpty()
                                    && comment.getBlockTags().isEmpty())) {
                missing.add(Path.of(unit().getSourceFile().toUri()).getFileName() + ": " + name);
            }
        }
    }
}
